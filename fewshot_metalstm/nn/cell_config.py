"""The settings of recurrent layers. Nothing here imports torch.

One section serves every cell, so that ``--cell`` alone exchanges them; which of the settings a cell
reads, :data:`fewshot_metalstm.nn.cells.CELLS` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.nn.cells import CELLS, META_LSTM, OLDER, canonical, find
from fewshot_metalstm.ranges import AtLeast1, Finite, NotNegative, Range, ShareBelow1, one_of

TANH, RELU = "tanh", "relu"
NONE, LAYER, BATCH = "none", "layer", "batch"
USUAL, UNIFORM = "usual", "uniform"


@dataclass(frozen=True)
class MetaLSTMConfig:
    """Sizes and initial scales; the field names of Chen et al. 2018 are in brackets."""

    kind: Annotated[str, Range(choices=tuple(CELLS), older=OLDER)] = META_LSTM  # which cell
    # others than meta-lstm have as many parameters as it would; false: `hidden` outputs
    match: bool = True
    hidden: AtLeast1 = 100  # outputs of the basic LSTM, each direction [h]
    meta: AtLeast1 = 40  # outputs of the Meta-LSTM, each direction [m]
    # rank of the generated weights [z]; of hyper cells, how many numbers a scale comes from
    z: AtLeast1 = 60
    static: bool = True  # add a task's own full-rank weights W_0 and bias b_0
    offset: Finite = 1.0  # z_t = offset + W_z g_t; 0 is the paper's form
    scale_static: NotNegative = 1.0  # std of W_0, in units of 1/sqrt(inputs)
    scale_generated: NotNegative = 0.5  # std of P(z*(Qu)) at z = 1, in units of W_0's at scale 1
    scale_z: NotNegative = 0.5  # std of W_z, in units of 1/sqrt(meta)
    forget_bias: Finite = 1.0  # initial bias of forget gates
    activation: Annotated[str, one_of(TANH, RELU)] = TANH  # of rnn and meta-rnn
    # largest output of relu, so that no state grows without end; 0: none
    ceiling: NotNegative = 20.0
    # what is normalised: layer (of hyper-lstm, meta-rnn and norm-lstm), batch (of norm-lstm)
    norm: Annotated[str, one_of(NONE, LAYER, BATCH)] = NONE
    recurrent_dropout: ShareBelow1 = 0.0  # dropout of what a step adds to the cell
    scale_start: Finite = 0.1  # what every scale of a hyper cell starts at
    # weights at the start: usual, or uniform, each from +-1/sqrt(hidden) as torch.nn draws them
    start: Annotated[str, one_of(USUAL, UNIFORM)] = USUAL
    window: Annotated[int, Range(least=1, most=2)] = 1  # words that a gate of qrnn reads

    def __post_init__(self) -> None:
        """Take a kind's older name for the one that it has now."""
        object.__setattr__(self, "kind", canonical(self.kind))


# Settings that say nothing of a cell that does not read them. The sizes of the Meta-LSTM are not
# among them: with `match` they are every cell's.
_OWN = (
    "activation", "ceiling", "norm", "recurrent_dropout", "scale_start", "start", "window",
)  # fmt: skip


def check_cell(config: MetaLSTMConfig, section: str = "lstm") -> None:
    """Refuse a cell that there is not, and settings that the cell does not read.

    Args:
        section: what a message calls the settings, such as ``tagger.lstm``.

    Raises:
        UserError: with the cure.
    """
    cell = find(config.kind, f"{section}.kind")
    for name in _OWN:
        value = getattr(config, name)
        if value != getattr(MetaLSTMConfig, name) and name not in cell.options:
            having = [other for other, each in CELLS.items() if name in each.options]
            raise UserError(
                f"{section}.{name}={value} says nothing of the cell {config.kind}; leave it out, "
                f"or use --cell {' or '.join(having)}"
            )
    if config.norm not in (NONE, *cell.norms):
        raise UserError(
            f"{section}.norm={config.norm} is not a norm of the cell {config.kind}; use "
            f"{' or '.join((NONE, *cell.norms))}"
        )


def check_meta_norm(config: MetaLSTMConfig, algorithm: str, *, joint: bool) -> None:
    """Refuse statistics of batches in an outer loop, where a batch is one episode.

    Args:
        joint: whether ``algorithm`` is joint training alone.

    Raises:
        UserError: with the cure.
    """
    if config.norm == BATCH and not joint:
        raise UserError(
            f"norm=batch takes averages over many batches, and {algorithm} has one episode at a "
            "time; use norm=layer, or --algorithm joint"
        )
