"""What a command prints: a table, a line, or one JSON object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from fewshot_metalstm.printable import as_json, printable

PIPE_WIDTH = 200
"""Columns of a table that goes to a file or a pipe, where nothing would be cut anyway."""


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on a line."""
    click.echo(as_json(value))


def print_table(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on standard output; a cell that is None is shown as ``?``."""
    from rich.table import Table

    from fewshot_metalstm.cli.terminal import Terminal

    table = Table(title=title, title_justify="left")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*("?" if cell is None else str(cell) for cell in row))
    console = Terminal()
    if not console.is_terminal:
        console = Terminal(width=PIPE_WIDTH)
    console.print(table, markup=False)


def say(text: object, *, err: bool = False) -> None:
    """Print a line, as ``click.echo`` does, without anything in it that a terminal obeys."""
    click.echo(printable(str(text)), err=err)
