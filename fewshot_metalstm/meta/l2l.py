"""MAML through learn2learn: a clone of its ``MAML`` wrapper adapts, step by step.

learn2learn adapts every parameter of the module that it wraps. So the module here has the adapted
parameters only, and takes the rest as they are.

Source: Arnold et al., "learn2learn: A Library for Meta-Learning Research", 2020
(arXiv 2008.12284).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fewshot_metalstm.compat import learn2learn
from fewshot_metalstm.meta.algorithm import clipper
from fewshot_metalstm.meta.learner import Learner, Params
from fewshot_metalstm.meta.unrolled import Adapted, Path, Unrolled


@dataclass(frozen=True)
class Learn2LearnMAML(Unrolled):
    """MAML whose inner updates learn2learn takes."""

    def _unroll(
        self, learner: Learner, leaves: Params, batch: object, noise: torch.Generator | None
    ) -> Path:
        """See :class:`~fewshot_metalstm.meta.unrolled.Unrolled`."""
        package = learn2learn.load()
        module = Adapted(learner, leaves, self.tuned(learner))
        clone = package.algorithms.MAML(module, lr=self.inner.lr, allow_unused=True).clone()
        losses: list[float] = []
        norms: list[float] = []
        clip = clipper(self.inner.clip, norms)
        for _ in range(self.depth):
            loss = clone(batch, noise)
            losses.append(float(loss.detach()))
            tuned = list(clone.module.parameters())
            if self.inner.clip > 0:
                # `adapt` shows nobody the gradients, and clipping needs all of them together; so
                # the two calls that it consists of are made here.
                gradients = torch.autograd.grad(
                    loss, tuned, create_graph=True, materialize_grads=True
                )
                update = package.algorithms.maml.maml_update
                clone.module = update(clone.module, self.inner.lr, clip(gradients))
            else:
                caught: list[Tensor] = []
                for parameter in tuned:
                    parameter.register_hook(lambda g, caught=caught: caught.append(g.detach()))
                clone.adapt(loss)
                clip(caught)  # only tells the norm
        return Path(module.params(clone.module.parameters()), losses, norms)
