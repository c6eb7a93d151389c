"""MAML through ``higher``: the outer gradient runs through the inner updates.

Source: Finn, Abbeel, Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
ICML 2017, algorithm 1; Grefenstette et al., "Generalized Inner Loop Meta-Learning", 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fewshot_metalstm.meta.algorithm import clipper
from fewshot_metalstm.meta.learner import Learner, Params
from fewshot_metalstm.meta.unrolled import Adapted, Path, Unrolled


@dataclass(frozen=True)
class MAML(Unrolled):
    """MAML whose inner updates ``higher`` makes differentiable."""

    def _unroll(
        self, learner: Learner, leaves: Params, batch: object, noise: torch.Generator | None
    ) -> Path:
        """See :class:`~fewshot_metalstm.meta.unrolled.Unrolled`."""
        import higher  # only meta-training with MAML needs it

        module = Adapted(learner, leaves, self.tuned(learner))
        # higher's default, copy_initial_weights=True, would cut the graph to the leaves.
        fast = higher.monkeypatch(module, copy_initial_weights=False, track_higher_grads=True)
        optimiser = higher.get_diff_optim(
            torch.optim.SGD(module.parameters(), lr=self.inner.lr), module.parameters(),
            fmodel=fast, track_higher_grads=True,
        )  # fmt: skip
        losses: list[float] = []
        norms: list[float] = []
        clip = clipper(self.inner.clip, norms)

        def on_gradients(gradients: Sequence[Tensor | None]) -> list[Tensor | None]:
            # higher hands over None where a parameter does not touch the loss.
            clipped = iter(clip(g for g in gradients if g is not None))
            return [None if g is None else next(clipped) for g in gradients]

        for _ in range(self.depth):
            loss = fast(batch, noise)
            losses.append(float(loss.detach()))
            optimiser.step(loss, grad_callback=on_gradients)
        return Path(module.params(fast.parameters()), losses, norms)
