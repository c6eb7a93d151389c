"""Whether what settings ask for fits into the machine's memory, before any of it is taken."""

from __future__ import annotations

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.machine import memory
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig, check_cell
from fewshot_metalstm.nn.cells import META_LSTM, find
from fewshot_metalstm.nn.plain_lstm import parameters_of
from fewshot_metalstm.nn.pretrain import VectorsConfig

_TRAINED = 16  # bytes of a parameter: its value, its gradient and two means of Adam, 4 each
_VECTOR = 4  # bytes of a number of a word vector while it is trained


def check_lstm_room(inputs: int, config: MetaLSTMConfig, section: str) -> None:
    """Refuse a cell that cannot be, and one that cannot be trained in the memory of this machine.

    Only what it needs in any case is counted: its weights and what an optimiser keeps of them.

    Args:
        inputs: features of a step.
        section: of the settings, such as ``tagger.lstm``.

    Raises:
        UserError: with the estimate.
    """
    check_cell(config, section)
    whole = parameters_of(inputs, config)
    if config.kind != META_LSTM and not config.match:
        whole = find(config.kind).load().size(inputs, config.hidden, config)
    _check(
        whole * _TRAINED,
        f"{section} with hidden={config.hidden}, meta={config.meta}, z={config.z} and "
        f"{inputs:,} inputs has {whole:,} parameters",
    )


def check_vectors_room(config: VectorsConfig) -> None:
    """Refuse word vectors whose n-grams alone are more than the memory of this machine.

    Raises:
        UserError: with the estimate.
    """
    if config.file or config.method != "fasttext":
        return
    _check(
        config.buckets * config.size * _VECTOR,
        f"vectors.buckets={config.buckets} with vectors.size={config.size}",
    )


def _check(needed: int, what: str) -> None:
    there = memory()
    if there is not None and needed > there:
        raise UserError(
            f"{what}, which takes {needed / 2**30:,.0f} GiB at least; this machine has "
            f"{there / 2**30:,.0f} GiB, so use smaller sizes"
        )
