"""MAML++: a learned rate for each tensor and inner step, and what makes MAML's training steadier.

- *Rates.* ``theta_{j+1} = theta_j - exp(a_j) * clip(g_j)`` with one learned ``a_j`` for each
  tensor and inner step j (:mod:`fewshot_metalstm.meta.rates`).
- *Query losses of all steps.* The outer loss is ``sum_k w_k Q(theta_k)`` over the parameters
  after each of the K inner steps. All ``w_k`` begin at 1/K. Those of all steps but the last fall
  along a line that would reach zero after a share of the outer loop, to no less than 0.03/K; the
  last has the rest of 1.
- *Order.* First order for a share of the outer loop, then second.

The rest of MAML++ is not here: its batch normalisation has nothing to normalise in a learner
without such layers, and the cosine of the outer rate is the outer loop's own.

Source: Antoniou, Edwards, Storkey, "How to train your MAML", ICLR 2019, section 4; the weights as
in the authors' code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from fewshot_metalstm.meta.config import StagesConfig as StagesConfig
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.metasgd import Rated

LEAST = 0.03  # share of 1/K that an early step's weight keeps


@dataclass(frozen=True)
class MAMLPlusPlus(Rated):
    """MAML++ at one place of the outer loop.

    Args:
        order: 0 for the two stages; 1 or 2 for that order from beginning to end.
        progress: the share of the outer loop that is done (:meth:`at`).
    """

    order: int = 0
    stages: StagesConfig = field(default_factory=StagesConfig, kw_only=True)
    progress: float = field(default=0.0, kw_only=True)

    @classmethod
    def from_config(cls, config: TrainingConfig) -> MAMLPlusPlus:
        """As the settings say it."""
        return cls(config.inner, config.order, config.truncate, stages=config.stages)

    def scheduled(self, progress: float) -> MAMLPlusPlus:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`."""
        return replace(self, progress=progress)

    @property
    def depth(self) -> int:
        """Inner steps that the outer gradient runs through, at this place."""
        if self.order == 0 and self.progress < self.stages.first_order:
            return 0
        return super().depth

    def rate_steps(self) -> int:
        """Every inner step has rates of its own."""
        return self.inner.steps

    def weights(self) -> Sequence[float]:
        """What the query's loss after each inner step counts for, at this place; their sum is 1."""
        steps, anneal = self.inner.steps, self.stages.anneal
        left = 1 - min(self.progress / anneal, 1.0) if anneal > 0 else 0.0
        early = max(left, LEAST) / steps
        return [early] * (steps - 1) + [1 - (steps - 1) * early]
