"""The LSTM meta-learner: it learns the start of the inner loop, and the update rule too.

Every inner step hands gradient and loss to an LSTM that says, coordinate by coordinate, how much
of the gradient to take and how much of the parameter to keep (:mod:`fewshot_metalstm.meta.gates`).
The parameters are the cell state of that LSTM, so that the learned initial cell state is nothing
but the learner's own parameters.

The outer gradient runs through the updates of all inner steps, back to the start and to the
meta-learner's weights, but not through the inner gradients and losses, which count as constants.
Parameters that are not adapted get the query's gradient, as in first order.

Source: Ravi, Larochelle, "Optimization as a Model for Few-Shot Learning", ICLR 2017.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from fewshot_metalstm.meta.algorithm import OWN, Descent, clipper
from fewshot_metalstm.meta.config import GatesConfig as GatesConfig
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.gates import (
    KEEP,
    RATE,
    Gates,
    State,
    flat,
    initial_state,
    split,
    step,
    weights_of,
)
from fewshot_metalstm.meta.learner import Learner, Params
from fewshot_metalstm.meta.unrolled import Adapted, Path, Unrolled
from fewshot_metalstm.seeds import torch_generator

PREFIX = f"{OWN}."

# From parameters to the loss and its gradient by those that are tuned.
Slope = Callable[[Params], tuple[Tensor, Sequence[Tensor]]]
# Of the number of a step, from 1, the loss before it, the parameters and the state after it.
OnStep = Callable[[int, float, Params, State], None]


@dataclass(frozen=True)
class LearnedOptimiser(Unrolled):
    """The LSTM meta-learner; :attr:`order` and :attr:`truncate` do not concern it.

    The inner loop's learning rate is not used either; its clipping and noise are.

    Args:
        gates: of the meta-learner.
        seed: of the weights that :meth:`prepare` makes.
    """

    gates: GatesConfig = field(default_factory=GatesConfig)
    seed: int = 0

    keeper: ClassVar[str] = "the LSTM meta-learner"

    @classmethod
    def from_config(cls, config: TrainingConfig) -> LearnedOptimiser:
        """As the settings say it."""
        return cls(config.inner, gates=config.gates, seed=config.seed)

    @property
    def depth(self) -> int:
        """Inner steps that the outer gradient runs through: all of them."""
        return self.inner.steps

    def prepare(self, learner: Learner) -> None:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`: the meta-learner's weights."""
        generator = torch_generator(self.seed, "gates")
        made = Gates(self.gates.hidden, self.inner.steps, self.inner.clip, generator)
        like = next(learner.parameters())
        learner.add_module(OWN, made.to(like.device, like.dtype))

    def adapt(
        self, learner: Learner, start: Params, batch: object, generator: torch.Generator | None
    ) -> Descent:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`."""
        return self._adapt(learner, start, batch, generator)

    def metrics(self, learner: Learner) -> dict[str, float]:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`: the gates' biases as shares.

        They are what a step does to a coordinate of which the LSTM has nothing to say.
        """
        made = gates_of(learner)
        if made is None:
            return {}
        shares = made.gate_bias.detach().sigmoid()
        return {"inner_lr": float(shares[RATE]), "forget": float(shares[KEEP])}

    def inspect(self, learner: Learner, batch: object) -> dict[str, float]:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`: the gates' means.

        ``inner_lr/NAME/STEP`` is the share of the gradient that is taken, ``forget/NAME/STEP``
        that of the parameter that is kept, for each tensor and inner step, from 1.
        """
        names, figures = self.tuned(learner), {}
        start = learner.initial(batch)

        def note(number: int, loss: float, params: Params, state: State) -> None:
            for what, row in (("inner_lr", RATE), ("forget", KEEP)):
                shares = split(state.gates[row].sigmoid(), [params[name] for name in names])
                for name, share in zip(names, shares, strict=True):
                    figures[f"{what}/{name}/{number}"] = float(share.mean())

        self._adapt(learner, start, batch, None, note)
        return figures

    def _adapt(
        self, learner: Learner, start: Params, batch: object, noise: torch.Generator | None,
        on_step: OnStep | None = None,
    ) -> Descent:  # fmt: skip
        names, inner = self.tuned(learner), self.inner

        def slope(params: Params) -> tuple[Tensor, Sequence[Tensor]]:
            return loss_and_gradient(learner, params, names, batch, noise)

        return follow(start, names, slope, inner.steps, inner.clip, on_step)

    def _unroll(
        self, learner: Learner, leaves: Params, batch: object, noise: torch.Generator | None
    ) -> Path:
        """See :class:`~fewshot_metalstm.meta.unrolled.Unrolled`."""
        import higher  # only meta-training needs it

        from fewshot_metalstm.meta.gated import DifferentiableGates

        module = Adapted(learner, leaves, self.tuned(learner))
        # The support's loss has nothing to give to what it does not adapt.
        module.others = {name: value.detach() for name, value in leaves.items()}
        # higher's default, copy_initial_weights=True, would cut the graph to the leaves.
        fast = higher.monkeypatch(module, copy_initial_weights=False, track_higher_grads=True)
        optimiser = DifferentiableGates(weights_of(leaves, PREFIX), module.parameters(), fast)
        losses: list[float] = []
        norms: list[float] = []
        clip = clipper(self.inner.clip, norms)
        for _ in range(self.depth):
            loss = fast(batch, noise)
            losses.append(float(loss.detach()))
            optimiser.step(loss, grad_callback=clip)
        adapted = dict(zip(module.names, fast.parameters(), strict=True))
        return Path({**leaves, **adapted}, losses, norms)


def loss_and_gradient(
    learner: Learner, params: Params, names: Sequence[str], batch: object,
    noise: torch.Generator | None,
) -> tuple[Tensor, Sequence[Tensor]]:  # fmt: skip
    """The loss of ``batch`` under ``params`` and its gradient by those called ``names``."""
    leaves = {name: params[name].detach().requires_grad_() for name in names}
    loss = learner.loss({**params, **leaves}, batch, noise)
    gradient = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
    return loss.detach(), gradient


def follow(
    start: Params, names: Sequence[str], slope: Slope, steps: int, clip: float,
    on_step: OnStep | None = None,
) -> Descent:  # fmt: skip
    """Let the meta-learner whose weights are in ``start`` tune the parameters ``names``.

    Without a graph. A step whose loss or gradient is not finite changes nothing.

    Args:
        slope: the loss and its gradient at some parameters.
        clip: largest norm of a gradient; 0 does not clip.
        on_step: called after every step.
    """
    fast = {name: value.detach() for name, value in start.items()}
    weights = weights_of(fast, PREFIX)
    state = initial_state(weights, sum(fast[name].numel() for name in names))
    losses: list[float] = []
    norms: list[float] = []
    clipped = clipper(clip, norms)
    for number in range(steps):
        loss, found = slope(fast)
        losses.append(float(loss))
        gradient = flat(clipped(found))
        tuned = [fast[name] for name in names]
        if bool(torch.isfinite(loss)) and bool(torch.isfinite(gradient).all()):
            with torch.no_grad():
                theta, state = step(weights, flat(tuned), gradient, loss, state)
            fast |= dict(zip(names, split(theta, tuned), strict=True))
        if on_step is not None:
            on_step(number + 1, losses[-1], fast, state)
    return Descent(fast, losses, norms)


def gates_of(learner: Learner) -> Gates | None:
    """The meta-learner that a learner was meta-trained with, or None."""
    made = learner._modules.get(OWN)
    return made if isinstance(made, Gates) else None
