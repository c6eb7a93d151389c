"""What the meta-learning core sees: a learner with a loss, and episodes of batches.

Nothing here or beside it knows what a batch holds. A tagger is one learner; a classifier, a
language model or a regressor is another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

Params = dict[str, Tensor]


@dataclass(frozen=True)
class Episode:
    """Batches of one task: the support to adapt on and the query to be judged by."""

    support: Any
    query: Any
    name: str  # task and episode, for messages


class Learner(ABC, nn.Module):  # ABC first: higher derives from both in this order
    """A model with a loss. Its parameters fall into groups that adaptation may tune."""

    @abstractmethod
    def forward(self, batch: Any, generator: torch.Generator | None = None) -> Tensor:
        """Mean loss of ``batch``, a scalar. Noise (dropout) only if a generator is given."""

    @abstractmethod
    def adapted(self) -> tuple[str, ...]:
        """Names of the parameters that an inner loop adapts; the rest is shared by all tasks."""

    def head(self) -> tuple[str, ...]:
        """Names of the parameters of which joint training keeps one set for each task."""
        return ()

    def initial(self, batch: Any) -> Params:
        """The parameters that a task starts from, as functions of this learner's own.

        By default they are this learner's parameters. A learner whose head depends on the task
        (more labels, say) builds it here, differentiably.
        """
        del batch
        return dict(self.named_parameters())

    def figure(self, params: Params, batch: Any) -> float:
        """A figure that a user understands, such as F1, for progress; NaN if there is none."""
        del params, batch
        return float("nan")

    def merge_heads(self, heads: Sequence[Params]) -> Params:
        """One head from those of several tasks: the start for a task not met yet.

        By default the mean; a learner whose heads differ in shape says here what it means.
        """
        return {n: torch.stack([head[n] for head in heads]).mean(dim=0) for n in self.head()}

    def loss(
        self, params: Mapping[str, Tensor], batch: Any, generator: torch.Generator | None = None
    ) -> Tensor:
        """The loss of ``batch`` under ``params`` in place of this learner's parameters."""
        result: Tensor = functional_call(self, dict(params), (batch, generator))
        return result
