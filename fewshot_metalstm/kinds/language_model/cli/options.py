"""Options of ``predict`` for language models: how to write on behind a text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def predict_options(command: _Command) -> _Command:
    """``--sample N``, ``--seed S`` and ``--temperature T``."""
    command = click.option(
        "--temperature", type=float, metavar="T",
        help="How freely --sample draws; 0: the likeliest.  [default: 1]",
    )(command)  # fmt: skip
    command = click.option(
        "--seed", type=int, metavar="S", help="Of what --sample draws.  [default: 0]"
    )(command)
    return click.option(
        "--sample", "sample_characters", type=int, metavar="N",
        help="Write N characters that a language model puts behind each text.",
    )(command)  # fmt: skip
