"""How a model is compressed, and retrained meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fewshot_metalstm.compress.combining import CombiningConfig
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.ranges import AtLeast0, AtLeast1, Positive, Seed, Share, ShareBelow1, one_of


@dataclass(frozen=True)
class RetrainConfig:
    """Training under the mask, on annotated items."""

    passes: AtLeast0 = 8  # over the items; 0: none
    min_steps: AtLeast0 = 400  # few items are passed over more often, up to this many steps
    batch: AtLeast1 = 10  # items of a step
    optimiser: Annotated[str, one_of("adam", "sgd")] = "adam"
    lr: Positive = 2e-3  # learning rate; it falls to zero along a cosine when all is pruned
    clip: Positive = 5.0  # largest norm of a gradient
    pruning: Share = 0.5  # share of the steps in which is pruned, on the cubic schedule
    noise: bool = True  # dropout, as in adaptation


@dataclass(frozen=True)
class CompressConfig:
    """Everything that a compressed model depends on, besides the model, data and code."""

    seed: Seed = 0  # of order and noise in retraining
    sparsity: ShareBelow1 = 0.6  # share of each matrix that is pruned by magnitude
    int8: bool = False  # weights in 8 bits, a step for each output
    vectors: AtLeast0 = 0  # bytes of a word vector, in product codes; 0: as they are
    combining: CombiningConfig = field(default_factory=CombiningConfig)
    retrain: RetrainConfig = field(default_factory=RetrainConfig)

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        pruned = self.sparsity > 0 or self.combining.columns > 1
        return pruned or self.int8 or self.vectors > 0


def check(config: CompressConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    from fewshot_metalstm import ranges

    ranges.check(config)
    if not config.changes:
        raise UserError(
            "nothing to do: give a --sparsity above 0, --columns above 1, --int8 or --vectors"
        )
