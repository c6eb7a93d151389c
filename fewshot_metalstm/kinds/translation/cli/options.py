"""Options of ``predict`` for translators: how widely to search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def predict_options(command: _Command) -> _Command:
    """``--beam N``."""
    return click.option(
        "--beam", type=int, metavar="N",
        help="Translations of a sentence that a translator follows at a time; 1 is fastest.  "
        "[default: as it was made, 5]",
    )(command)  # fmt: skip
