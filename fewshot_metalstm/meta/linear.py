"""A learner that gives an item one of some classes, by a linear head on what stands for it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.learner import Learner, Params


class LinearClassifier(Learner):
    """Classes from what stands for an item, by a row of weights and a bias a class.

    Batches have ``labels``, (B,), the number of ``classes``, and a length.
    """

    item: ClassVar[str]  # what it classifies, in a sentence
    head_weight: nn.Parameter  # (classes, width)
    head_bias: nn.Parameter  # (classes,)

    @abstractmethod
    def hidden(self, batch: Any, generator: torch.Generator | None = None) -> Tensor:
        """What stands for an item and the head scores, (B, width)."""

    def adapted(self) -> tuple[str, ...]:
        """The head and the recurrent layer's own weights; what generates or scales those is shared.

        A cell that has nothing of the kind is the task's own as a whole.
        """
        return (*self.basic(), *self.head())

    def basic(self) -> tuple[str, ...]:
        """Names of the basic LSTM's parameters."""
        return tuple(n for n, _ in self.named_parameters() if n.startswith("lstm.basic_"))

    def head(self) -> tuple[str, ...]:
        """Names of the head's parameters."""
        return ("head_weight", "head_bias")

    def scores(self, batch: Any, generator: torch.Generator | None = None) -> Tensor:
        """Unnormalised log-probabilities of the classes, (B, classes)."""
        return nn.functional.linear(self.hidden(batch, generator), self.head_weight, self.head_bias)

    def forward(self, batch: Any, generator: torch.Generator | None = None) -> Tensor:
        """Mean negative log-likelihood of an item's class, in nats."""
        return nn.functional.cross_entropy(self.scores(batch, generator), batch.labels)

    def scores_with(self, params: Mapping[str, Tensor], batch: Any) -> Tensor:
        """:meth:`scores` under ``params`` in place of this learner's parameters."""
        found: Tensor = self.under(params, "scores", batch)
        return found

    def hidden_with(
        self, params: Mapping[str, Tensor], batch: Any, generator: torch.Generator | None = None
    ) -> Tensor:
        """:meth:`hidden` under ``params`` in place of this learner's parameters."""
        found: Tensor = self.under(params, "hidden", batch, generator)
        return found

    def figure(self, params: Params, batch: Any) -> float:
        """Accuracy on ``batch`` under ``params``, 0-100."""
        right, total = self.counts(params, batch)
        return 100 * right / total

    @torch.no_grad()
    def counts(self, params: Params, batch: Any) -> tuple[int, int]:
        """(right, all) items of ``batch`` under ``params``."""
        best = self.scores_with(params, batch).argmax(dim=1)
        return int((best == batch.labels).sum()), len(batch)

    def from_support(
        self, params: Params, batches: Iterable[Any], scale: Tensor,
        generator: torch.Generator | None = None,
    ) -> Params:  # fmt: skip
        """See :meth:`~fewshot_metalstm.meta.learner.Learner.from_support`.

        The squared distance to a prototype is linear in the representation but for a term that all
        classes share, so that the head is the ordinary one (Snell et al. 2017, section 2.4). With
        a width of d, and u = s / d::

            -s |h - p|^2 / d = (2 u p) . h - u |p|^2 - u |h|^2
        """
        classes = len(params["head_weight"])
        sums = torch.zeros_like(params["head_weight"])
        counts = torch.zeros_like(params["head_bias"])
        for batch in batches:
            if batch.classes != classes:
                raise ValueError(f"a head for {classes} classes cannot be made of {batch.classes}")
            hidden = self.hidden_with(params, batch, generator)
            sums = sums.index_add(0, batch.labels, hidden)
            counts = counts.index_add(0, batch.labels, torch.ones_like(hidden[:, 0]))
        if bool((counts == 0).any()):
            number = int((counts == 0).nonzero()[0])
            raise UserError(
                f"class {number + 1} of {classes} has no {self.item} in the support, and so no "
                "prototype; give at least one of each class"
            )
        means = sums / counts.unsqueeze(1)
        weight = 2 * scale * means / means.shape[1]
        return {**params, "head_weight": weight, "head_bias": -scale * means.square().mean(1)}
