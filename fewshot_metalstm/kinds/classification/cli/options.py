"""Options that say how tables of the user's own are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def text_column_option(command: _Command) -> _Command:
    """``--text-column NAME``."""
    return click.option(
        "--text-column", metavar="NAME",
        help="Column (or key of JSON) of the texts.  [default: text, review, sentence, ...]",
    )(command)  # fmt: skip


def label_column_option(command: _Command) -> _Command:
    """``--label-column NAME``."""
    return click.option(
        "--label-column", metavar="NAME",
        help="Column (or key of JSON) of the labels.  [default: label, class, category, ...]",
    )(command)  # fmt: skip


def target_options(command: _Command) -> _Command:
    """``--text-column`` and ``--label-column``."""
    return text_column_option(label_column_option(command))


def predict_options(command: _Command) -> _Command:
    """``--text-column``; labels are not looked at."""
    return text_column_option(command)
