"""How the tasks of joint training share a recurrent layer, by name. Nothing here imports torch.

This is the one list of them: `--sharing`, the settings, their checks and docs/sharing.md read it.

Source: Chen, Qiu, Liu, Huang, "Meta Multi-Task Learning for Sequence Modeling", AAAI 2018 (arXiv
1802.08969); Liu, Qiu, Huang, "Recurrent Neural Network for Text Classification with Multi-Task
Learning", IJCAI 2016 (layers that are shared and private).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.cells import CELLS, LSTM, META_LSTM

NONE, FUNCTION, STACKED, PARALLEL, SENTINEL = (
    "none", "function", "stacked", "parallel", "sentinel"
)  # fmt: skip
SHARING: Mapping[str, str] = MappingProxyType({
    NONE: "all tasks share the whole layer, and have heads of their own",
    FUNCTION: "tasks share what generates or scales weights, and each has its own LSTM (Meta-MTL)",
    STACKED: "a shared LSTM below an LSTM of each task's own, which reads words and the shared "
    "states (SSP)",
    PARALLEL: "a shared LSTM beside an LSTM of each task's own; the head reads both (PSP)",
    SENTINEL: "one model on the union of all labels; every sentence stands between tokens that "
    "name its corpus; taggers only",
})  # fmt: skip
OF_LAYERS = (STACKED, PARALLEL)
PRIVATE = (FUNCTION, *OF_LAYERS)
"""Ways in which a part of the layer belongs to each task."""

_FUNCTIONS = (META_LSTM, "hyper-lstm", "meta-rnn")  # cells with a part that makes weights


def check_sharing(
    sharing: str, lstm: MetaLSTMConfig, section: str, *, sentences: bool = True
) -> None:
    """Refuse a way of sharing that the cell, or the kind of task, cannot have.

    Args:
        lstm: the settings of the cell.
        section: of the settings that ``sharing`` is one of, such as ``tagger``.
        sentences: whether every token of an item gets a label.

    Raises:
        UserError: with the cure.
    """
    if sharing == SENTINEL and not sentences:
        raise UserError(
            "--sharing sentinel labels the tokens at both ends of a sentence, and a text has one "
            f"label; use {', '.join(PRIVATE)} or {NONE}"
        )
    if sharing == FUNCTION and lstm.kind not in _FUNCTIONS:
        raise UserError(
            f"--sharing {FUNCTION}: the cell {lstm.kind} has no part that makes another's weights; "
            f"use --cell {' or '.join(_FUNCTIONS)}"
        )
    if sharing in OF_LAYERS and lstm.kind not in (META_LSTM, LSTM):
        raise UserError(
            f"--sharing {sharing} is made of two plain LSTMs; leave {section}.lstm.kind="
            f"{lstm.kind} out"
        )
    assert lstm.kind in CELLS
