"""Options that say how tables of the user's own series are read, and how far to forecast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def columns_options(command: _Command) -> _Command:
    """``--time-column NAME`` and ``--value-column NAME``."""
    command = click.option(
        "--value-column", metavar="NAME",
        help="Column of a series' values.  [default: y, or the one that is left]",
    )(command)  # fmt: skip
    return click.option(
        "--time-column", metavar="NAME",
        help="Column of a series' hours.  [default: ds, datetime, timestamp, ...]",
    )(command)  # fmt: skip


def target_options(command: _Command) -> _Command:
    """``--time-column`` and ``--value-column``."""
    return columns_options(command)


def predict_options(command: _Command) -> _Command:
    """The columns, and ``--horizon HOURS``."""
    return click.option(
        "--horizon", type=int, metavar="HOURS",
        help="How many hours to forecast, 1 to 24.  [default: 24]",
    )(columns_options(command))  # fmt: skip
