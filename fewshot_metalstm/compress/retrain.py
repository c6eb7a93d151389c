"""Pruning, packing and 8 bits, with training under the mask meanwhile.

The steps fall into two parts. In the first, weights are pruned on the cubic schedule, those with
the smallest magnitude. Then columns are combined once, and the conflicts of each group pruned. In
the second part what is left is trained on, and with 8 bits the loss is that of the rounded weights
(the gradient passes by the rounding). Without items there are no steps: weights are pruned at once.

Like adaptation this sees a learner and batches, whatever they hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fewshot_metalstm.compress.combining import Groups, Mask, Matrix, combine
from fewshot_metalstm.compress.matrices import Layout, layouts
from fewshot_metalstm.compress.packed import Packed, pack
from fewshot_metalstm.compress.pruning import sparsity_at, without_smallest
from fewshot_metalstm.compress.quantising import rounded
from fewshot_metalstm.compress.settings import CompressConfig, RetrainConfig
from fewshot_metalstm.compress.stored import Stored
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.joint import cosine
from fewshot_metalstm.meta.learner import Learner, Params
from fewshot_metalstm.seeds import numpy_generator, torch_generator

_MILESTONES = 20  # times that weights are pruned on the way

Batches = Callable[[Sequence[int]], object]
OnStep = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Retraining:
    """What a learner is retrained on: how many items there are, and the batch of some."""

    items: int
    batch: Batches


@dataclass(frozen=True)
class Compressed:
    """A learner's parameters, compressed: all of them, and how those that are packed are stored.

    ``weights`` are those of the packed matrices that were not zero before (in a merged tagger the
    blocks off the diagonal were); ``magnitude`` and ``packing`` are those of them that were pruned
    by magnitude and as conflicts; ``losses`` the loss of each step.
    """

    params: Params
    stored: Mapping[str, Stored]
    weights: int
    magnitude: int
    packing: int
    steps: int
    losses: tuple[float, ...]


def compressed(
    learner: Learner, config: CompressConfig, data: Retraining | None = None,
    on_step: OnStep | None = None,
) -> Compressed:  # fmt: skip
    """Compress the recurrent layers of ``learner``, which itself is left as it is.

    Args:
        data: what to retrain on; None for pruning and packing alone.
        on_step: called with the steps done, all of them, and the last loss.

    Raises:
        UserError: the learner has no matrix that is large enough, or the loss is not finite.
    """
    packable = layouts(learner)
    if not packable:
        raise UserError("the model has no recurrent layer with a matrix large enough to compress")
    params: Params = {n: p.detach().clone() for n, p in learner.named_parameters()}
    run = _Run(learner, config, params, packable)
    steps = number_of_steps(data.items, config.retrain) if data is not None else 0
    if data is not None and steps:
        run.train(data, steps, on_step)
    else:
        run.prune(1.0)
        run.combine()
    stored = {name: Stored(packable[name], run.packed(name), config.int8) for name in packable}
    final = dict(params)
    for name, each in stored.items():
        final[name] = each.value().to(params[name])
    return Compressed(
        {n: p.detach() for n, p in final.items()}, stored, run.weights, run.magnitude,
        run.conflicting, steps, tuple(run.losses),
    )  # fmt: skip


def number_of_steps(items: int, config: RetrainConfig) -> int:
    """How many steps are taken: whole passes, so many or as many as ``min_steps`` asks for."""
    if not config.passes:
        return 0
    a_pass = -(-items // config.batch)
    return a_pass * max(config.passes, -(-config.min_steps // a_pass))


class _Run:
    """The parameters on their way, and the masks that hold."""

    def __init__(
        self, learner: Learner, config: CompressConfig, params: Params,
        packable: Mapping[str, Layout],
    ) -> None:  # fmt: skip
        self.learner, self.config, self.params, self.packable = learner, config, params, packable
        self.masks = {name: (params[name] != 0).to(params[name]) for name in packable}
        self.weights = self._left()
        self.groups: dict[str, list[Groups]] = {}
        self.magnitude = self.conflicting = 0
        self.losses: list[float] = []

    def prune(self, share: float) -> None:
        """Prune by magnitude, after a share of the pruning."""
        sparsity = sparsity_at(share, self.config.sparsity)
        for name, matrices in self._matrices():
            self._keep(name, [without_smallest(matrix, sparsity) for matrix in matrices])
        self.magnitude = self.weights - self._left()

    def combine(self) -> None:
        """Combine columns, and prune the conflicts."""
        for name, matrices in self._matrices():
            groups = [combine(matrix != 0, self.config.combining) for matrix in matrices]
            self.groups[name] = groups
            pairs = zip(matrices, groups, strict=True)
            self._keep(name, [pack(matrix, own)[1] for matrix, own in pairs])
        self.conflicting = self.weights - self.magnitude - self._left()

    def packed(self, name: str) -> tuple[Packed, ...]:
        """A parameter's matrices in packed columns."""
        matrices = self.packable[name].split(self.params[name])
        return tuple(
            pack(matrix, groups)[0]
            for matrix, groups in zip(matrices, self.groups[name], strict=True)
        )

    def train(self, data: Retraining, steps: int, on_step: OnStep | None) -> None:
        """Prune and combine on the way, and train."""
        config = self.config.retrain
        noise = torch_generator(self.config.seed, "compress-noise") if config.noise else None
        for parameter in self.params.values():
            parameter.requires_grad_()
        tuned = list(self.params.values())
        optimiser = _optimiser(tuned, config)
        first = round(config.pruning * steps)
        every = max(1, first // _MILESTONES)
        total = 0.0
        for step, chosen in enumerate(_order(data.items, steps, config, self.config.seed)):
            if step == first:
                self.prune(1.0)
                self.combine()
            elif step < first and step % every == 0:
                self.prune(step / first)
            after = step >= first
            loss = self.learner.loss(self._seen(after), data.batch(chosen), noise)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            norm = torch.nn.utils.clip_grad_norm_(
                [p for p in tuned if p.grad is not None], config.clip
            )
            falling = cosine(step - first, steps - first) if after else 1.0
            for group in optimiser.param_groups:
                group["lr"] = config.lr * falling
            if bool(torch.isfinite(norm)):
                optimiser.step()
                self._hold()
            total = float(loss.detach())
            self.losses.append(total)
            if on_step is not None:
                on_step(step + 1, steps, total)
        if not all(bool(p.isfinite().all()) for p in tuned) or not math.isfinite(total):
            raise UserError(
                f"retraining came to nothing: the loss is not finite after {steps} steps at a "
                f"learning rate of {config.lr:g}; set a lower one (--set retrain.lr)"
            )
        if first >= steps:
            self.prune(1.0)
            self.combine()

    def _seen(self, after: bool) -> Params:
        """The parameters that the loss is taken of: in 8 bits once columns are combined."""
        if not (after and self.config.int8):
            return dict(self.params)
        found = dict(self.params)
        for name, layout in self.packable.items():
            found[name] = rounded(found[name], -1 if layout.turned else -2)
        return found

    def _matrices(self) -> Iterator[tuple[str, list[Matrix]]]:
        for name, layout in self.packable.items():
            yield name, list(layout.split(self.params[name]))

    @torch.no_grad()
    def _keep(self, name: str, kept: list[Mask]) -> None:
        self.masks[name] = self.packable[name].join(kept).to(self.params[name])
        self.params[name].mul_(self.masks[name])

    @torch.no_grad()
    def _hold(self) -> None:
        for name, mask in self.masks.items():
            self.params[name].mul_(mask)

    def _left(self) -> int:
        return sum(int(mask.count_nonzero()) for mask in self.masks.values())


def _order(items: int, steps: int, config: RetrainConfig, seed: int) -> Iterator[list[int]]:
    """The items of each step: in every pass all of them once, in another order."""
    order = numpy_generator(seed, "compress-order")
    taken = 0
    while taken < steps:
        shuffled = order.permutation(items).tolist()
        for first in range(0, items, config.batch):
            yield shuffled[first : first + config.batch]
            taken += 1


def _optimiser(tuned: list[Tensor], config: RetrainConfig) -> torch.optim.Optimizer:
    if config.optimiser == "sgd":
        return torch.optim.SGD(tuned, lr=config.lr, momentum=0.9)
    return torch.optim.Adam(tuned, lr=config.lr)
