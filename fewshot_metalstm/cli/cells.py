"""What commands that train offer of recurrent cells: the option, and what each cell is.

Both are read from :data:`fewshot_metalstm.nn.cells.CELLS`, which imports no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fewshot_metalstm.cli.algorithms import TrainingCommand
from fewshot_metalstm.nn.cells import CELLS, META_LSTM
from fewshot_metalstm.nn.sharing import SHARING

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.kind import Kind

_Command = TypeVar("_Command", bound=Callable[..., Any])


def cell_option(command: _Command) -> _Command:
    """``--cell NAME`` as ``cell: str | None``."""
    return click.option(
        "--cell", type=click.Choice(list(CELLS)),
        help=f"Recurrent cell; what each is stands below.  [default: {META_LSTM}]",
    )(command)  # fmt: skip


def sharing_option(command: _Command) -> _Command:
    """``--sharing NAME`` as ``sharing: str | None``."""
    return click.option(
        "--sharing", type=click.Choice(list(SHARING)),
        help="How several tasks share the LSTM; what each is stands below.  [default: none]",
    )(command)  # fmt: skip


class CellsCommand(TrainingCommand):
    """A command whose help says in a line what each meta-learner and each cell is."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the tables of what they name."""
        super().format_options(ctx, formatter)
        write_cells(formatter)
        write_sharing(formatter)


def write_sharing(formatter: click.HelpFormatter) -> None:
    """Write what each way of sharing is."""
    with formatter.section("Sharing"):
        formatter.write_dl(list(SHARING.items()))


def write_cells(formatter: click.HelpFormatter) -> None:
    """Write what each cell is, and which settings of the section lstm it has."""
    with formatter.section("Cells"):
        formatter.write_dl([(name, cell.line()) for name, cell in CELLS.items()])


def cell_setting(kind: Kind, cell: str | None, sharing: str | None = None) -> Mapping[str, Any]:
    """The settings of the kind that ``--cell`` and ``--sharing`` give, by name; not given, none.

    Raises :class:`UserError` where tasks of that kind have no cell to choose.
    """
    from fewshot_metalstm.errors import UserError

    if cell is not None and not kind.cell:
        raise UserError(f"--cell: tasks of the kind {kind.name} have no recurrent cell to choose")
    if sharing is not None and not kind.sharing:
        raise UserError(
            f"--sharing: tasks of the kind {kind.name} share the whole model; leave it out"
        )
    given = {kind.cell: cell, kind.sharing: sharing}
    return {name: value for name, value in given.items() if value is not None}
