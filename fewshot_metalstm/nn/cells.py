"""The recurrent cells by name, as settings and the command line know them.

This is the one list of them, and it imports no torch. A new cell is a file beside this one and an
entry of :data:`CELLS`: a module that is made of ``(inputs, config, generator)`` and has the forward
pass of :class:`~fewshot_metalstm.nn.metalstm.MetaLSTM`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from types import MappingProxyType
from typing import Any

from fewshot_metalstm.errors import UserError

META_LSTM = "meta-lstm"
LSTM = "lstm"


@dataclass(frozen=True)
class Cell:
    """A recurrent cell."""

    about: str  # one line
    target: str  # where its class is: "module:attribute"
    older: tuple[str, ...] = ()  # names that settings files may have for it

    def load(self) -> Any:
        """Its class, imported."""
        return resolve_name(self.target)


CELLS: Mapping[str, Cell] = MappingProxyType({
    META_LSTM: Cell(
        "an LSTM whose weights a second LSTM, shared by all tasks, generates at every token",
        "fewshot_metalstm.nn.metalstm:MetaLSTM", ("generated",),
    ),
    LSTM: Cell(
        "a plain LSTM, all of whose weights belong to the task",
        "fewshot_metalstm.nn.plain_lstm:PlainLSTM", ("plain",),
    ),
})  # fmt: skip

OLDER = tuple(name for cell in CELLS.values() for name in cell.older)


def canonical(name: str) -> str:
    """The name of a cell that may be called by an older one; any other name as it is."""
    return next((new for new, cell in CELLS.items() if name in cell.older), name)


def find(name: str, setting: str = "cell") -> Cell:
    """The cell of that name, or of that older name.

    Args:
        setting: what a message calls the setting that names it.

    Raises:
        UserError: there is none.
    """
    cell = CELLS.get(canonical(name))
    if cell is None:
        raise UserError(f"{setting} {name!r} is unknown; use {' or '.join(CELLS)}")
    return cell
