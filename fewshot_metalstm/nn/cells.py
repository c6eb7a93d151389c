"""The recurrent cells by name, as settings and the command line know them.

This is the one list of them, and it imports no torch: `--cell`, the settings, their checks and
docs/cells.md read it. A new cell is a file beside this one and an entry of :data:`CELLS`: a
:class:`~fewshot_metalstm.nn.recurrent.Recurrent`.
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
    options: tuple[str, ...]  # the settings that it reads, besides kind, match and hidden
    older: tuple[str, ...] = ()  # names that settings files may have for it
    norms: tuple[str, ...] = ()  # what the setting norm may name, besides none
    called: str = "an LSTM"  # in a sentence, of a model that has it

    def load(self) -> Any:
        """Its class, imported."""
        return resolve_name(self.target)

    def line(self) -> str:
        """What it is and what may be set, for a list."""
        own = f"; settings: {', '.join(self.options)}" if self.options else ""
        return self.about + own


_NN = "fewshot_metalstm.nn"
_HYPER = ("meta", "z", "norm", "scale_start", "start", "scale_static")

CELLS: Mapping[str, Cell] = MappingProxyType({
    META_LSTM: Cell(
        "an LSTM whose weights a second LSTM, shared by all tasks, generates at every token",
        f"{_NN}.metalstm:MetaLSTM",
        ("meta", "z", "static", "offset", "scale_static", "scale_generated", "scale_z",
         "forget_bias"),
        ("generated",), called="a Meta-LSTM",
    ),
    LSTM: Cell(
        "a plain LSTM, all of whose weights belong to the task",
        f"{_NN}.plain_lstm:PlainLSTM", ("scale_static", "forget_bias"), ("plain",),
    ),
    "rnn": Cell(
        "a plain RNN without gates", f"{_NN}.rnn:RNN", ("activation", "ceiling", "start",
        "scale_static"), called="an RNN",
    ),
    "hyper-lstm": Cell(
        "an LSTM whose weights a second LSTM scales row by row at every token",
        f"{_NN}.hyper:HyperLSTM", (*_HYPER, "forget_bias", "recurrent_dropout"),
        norms=("layer",), called="an LSTM with scaled weights",
    ),
    "meta-rnn": Cell(
        "an RNN whose weights a second RNN scales row by row at every token",
        f"{_NN}.hyper:MetaRNN", (*_HYPER, "activation", "ceiling"),
        norms=("layer",), called="an RNN with scaled weights",
    ),
    "norm-lstm": Cell(
        "an LSTM with normalised gates and cell, and recurrent dropout",
        f"{_NN}.norm_lstm:NormLSTM", ("norm", "recurrent_dropout", "scale_static", "start",
        "forget_bias"), norms=("layer", "batch"), called="a normalised LSTM",
    ),
    "qrnn": Cell(
        "gates from the words alone, and pooling that carries a cell on",
        f"{_NN}.qrnn:QRNN", ("window", "scale_static", "start", "forget_bias"),
        called="a QRNN",
    ),
    "torch-lstm": Cell(
        "torch.nn's LSTM with torch.nn's start, to compare with",
        f"{_NN}.of_torch:TorchLSTM", (),
    ),
    "torch-rnn": Cell(
        "torch.nn's RNN with torch.nn's start, to compare with",
        f"{_NN}.of_torch:TorchRNN", ("activation",), called="an RNN",
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
        *others, last = CELLS
        raise UserError(f"{setting} {name!r} is unknown; use {', '.join(others)} or {last}")
    return cell
