"""Options that say how annotated text of the user's own is read, for every command that does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from fewshot_metalstm.kinds.tagging.cli.format_options import (
    bad_option,
    format_option,
    overlaps_option,
    scheme_option,
    tag_column_option,
    unannotated_option,
)

_Command = TypeVar("_Command", bound=Callable[..., Any])


def target_options(command: _Command) -> _Command:
    """``--type``, ``--format``, ``--overlaps``, ``--bad-annotations``, ``--unannotated``,
    ``--scheme``, ``--tag-column`` and ``--repair``.
    """
    options = (
        click.option("--type", "types", multiple=True, metavar="TYPE",
                     help="An entity type of the target; repeatable.  [default: all]"),
        format_option,
        overlaps_option,
        bad_option,
        unannotated_option,
        scheme_option,
        tag_column_option,
        click.option("--repair", is_flag=True, help="Mend illegal tag sequences of your file."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command
