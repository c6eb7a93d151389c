"""The LSTM meta-learner's update as a differentiable optimizer of ``higher``.

Source: Grefenstette et al., "Generalized Inner Loop Meta-Learning", 2019; the update is that of
:mod:`fewshot_metalstm.meta.gates`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from higher.optim import DifferentiableOptimizer
from torch import Tensor

from fewshot_metalstm.meta.gates import Weights, flat, initial_state, split, step


class DifferentiableGates(DifferentiableOptimizer):  # type: ignore[misc]
    """Updates ``fmodel``, differentiably by its parameters and the meta-learner's weights.

    Gradients and losses are constants, as the paper has them: no second derivative is taken.

    Args:
        weights: of the meta-learner.
        params: of the module that ``fmodel`` stands for.
        fmodel: what ``higher.monkeypatch`` gave.
    """

    def __init__(self, weights: Weights, params: Iterable[Tensor], fmodel: Any) -> None:
        own = list(params)
        # Of an optimizer of torch higher reads the groups of parameters; this one never steps.
        super().__init__(torch.optim.SGD(own, lr=0.0), own, fmodel=fmodel)
        self.weights = weights
        self.loss = own[0].new_zeros(())
        self.where = initial_state(weights, sum(p.numel() for p in own))

    def step(
        self,
        loss: Tensor,
        params: Iterable[Tensor] | None = None,
        override: Any = None,
        grad_callback: Callable[[Iterable[Tensor]], list[Tensor]] | None = None,
        **kwargs: Any,
    ) -> Iterable[Tensor]:
        """See higher. A parameter that does not touch the loss has a gradient of zero."""
        now = list(self._fmodel.fast_params if params is None else params)
        constants = torch.autograd.grad(loss, now, materialize_grads=True)
        self.loss = loss.detach()
        # higher asks for gradients with a graph. Those of this line are the ones above without.
        line = torch.stack([(p * g).sum() for p, g in zip(now, constants, strict=True)]).sum()
        result: Iterable[Tensor] = super().step(line, now, override, grad_callback, **kwargs)
        return result

    def _update(self, grouped_grads: Sequence[Sequence[Tensor]], **_: Any) -> None:
        group, gradients = self.param_groups[0], grouped_grads[0]
        theta, self.where = step(
            self.weights, flat(group["params"]), flat(gradients), self.loss, self.where
        )
        group["params"] = split(theta, group["params"])
