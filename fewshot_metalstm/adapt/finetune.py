"""Adapting a learner to the support set of one task: many small steps, then stop.

Like the meta-learning core this sees a learner and batches, whatever they hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from fewshot_metalstm import ranges
from fewshot_metalstm.adapt.learned import adapt_learned
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.joint import cosine
from fewshot_metalstm.meta.learner import Learner, Params
from fewshot_metalstm.meta.rates import multipliers
from fewshot_metalstm.meta.ravi import gates_of
from fewshot_metalstm.ranges import (
    AtLeast0,
    AtLeast1,
    NotNegative,
    Positive,
    Range,
    ShareBelow1,
    one_of,
)
from fewshot_metalstm.seeds import derive, numpy_generator, torch_generator

MOST_NATS = 1000.0  # a bonus beyond it has no more effect
Nats = Annotated[float, Range(least=0, most=MOST_NATS)]


@dataclass(frozen=True)
class AdaptConfig:
    """Adaptation to a support set."""

    # auto (learned where the checkpoint has learned it, or sgd), sgd (with momentum, as near to
    # the inner loop as can be), adam or learned (by --algorithm lstm)
    optimiser: Annotated[str, one_of("auto", "sgd", "adam", "learned")] = "auto"
    stretch: AtLeast1 = 4  # of learned: steps are as many times those of meta-training's inner loop
    lr: NotNegative = 0.01  # learning rate at the start; it falls to zero along a cosine
    momentum: ShareBelow1 = 0.9  # of sgd
    batch: AtLeast1 = 10  # items of the support (sentences, images) in a step
    epochs: AtLeast0 = 30  # passes over the support, at most
    min_steps: AtLeast0 = 150  # a small support is passed over more often, up to this many steps
    clip: Positive = 5.0  # largest norm of a gradient
    stop_loss: NotNegative = 0.02  # stop early when the mean loss of an epoch is below this
    averages: AtLeast1 = 1  # adaptations that differ in order and noise alone, and are averaged
    # times the rate: what maps the features of a frozen encoder (vectors.encoder); 0: not tuned
    features: NotNegative = 1.0
    lexicon: Nats = 2.0  # nats for what equals a mention of the support, when tagging; 0: none
    # nats for any mention, when tagging, if no mention of the support helps to find another: times
    # the share of those that are so. More are found, and more of them are wrong
    mentions: Nats = 0.0


@dataclass(frozen=True)
class Adapted:
    """Parameters adapted to a task, and how the loss fell."""

    params: Params
    losses: tuple[float, ...]  # support loss of each epoch, with noise, mean of the adaptations
    steps: int  # of all adaptations together
    stopped_early: bool  # whether one of them was


def finetune(
    learner: Learner,
    names: Sequence[str],
    items: int,
    batch: Callable[[Sequence[int]], object],
    config: AdaptConfig,
    seed: int,
    on_epoch: Callable[[int, float, Params], None] | None = None,
) -> Adapted:
    """Tune the parameters ``names`` of ``learner`` on a support set, with dropout.

    The learner itself is left as it is. The number of steps depends on the support alone. With
    ``config.averages`` above 1 the parameters are the mean of several adaptations: from one good
    start they end in one basin, whose middle is better than its rim where the rate is high
    (Wortsman et al., "Model soups", ICML 2022). A fresh start has no such basin to share.

    Args:
        items: size of the support.
        batch: gives the batch of some of its items, by index.
        seed: fixes order and noise.
        on_epoch: called with the epoch (from 1), its mean loss and the parameters so far, for
            each adaptation in turn.

    Raises:
        UserError: an adaptation whose loss is not finite in the end.
    """
    check(config)
    return average([
        finetune_once(learner, names, items, batch, config, seed, number, on_epoch)
        for number in range(config.averages)
    ], names)  # fmt: skip


def check(config: AdaptConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    ranges.check(config, "adapt")


def average(runs: Sequence[Adapted], names: Sequence[str]) -> Adapted:
    """The mean of several adaptations, given in order, that tuned the parameters ``names``."""
    tuned = set(names)
    params = {
        name: torch.stack([run.params[name] for run in runs]).mean(0) if name in tuned else value
        for name, value in runs[0].params.items()
    }
    told = [run.losses for run in runs if run.losses]  # one without epochs has none
    losses = tuple(
        sum(each[min(epoch, len(each) - 1)] for each in told) / len(told)
        for epoch in range(max(map(len, told), default=0))
    )
    steps = sum(run.steps for run in runs)
    return Adapted(params, losses, steps, any(run.stopped_early for run in runs))


def finetune_once(
    learner: Learner,
    names: Sequence[str],
    items: int,
    batch: Callable[[Sequence[int]], object],
    config: AdaptConfig,
    seed: int,
    number: int,
    on_epoch: Callable[[int, float, Params], None] | None = None,
) -> Adapted:
    """The adaptation ``number`` of those that :func:`finetune` averages.

    Where the learner has learned rates, a parameter's rate is ``config.lr`` times its learned
    rate's relation to the mean of all tuned (:func:`~fewshot_metalstm.meta.rates.multipliers`):
    they say which parameters move how far, and ``config.lr`` how far all do together.
    """
    seed = derive(seed, number)
    scale = dict(multipliers(learner, names))
    if config.features != 1:
        one = torch.tensor(config.features)
        scale |= {name: scale.get(name, 1) * one for name in learner.features() if name in names}
    if is_learned(learner, config):
        params, fell = adapt_learned(
            learner, names, items, batch, stretch=config.stretch, piece=config.batch,
            noise=torch_generator(seed, "adapt-noise"), on_step=on_epoch,
        )  # fmt: skip
        made = Adapted(params, fell, len(fell), False)
        return _finite(made, names, config, math.isfinite(fell[-1]))
    everything = range(items)
    start = learner.initial(batch(everything))
    params = {name: value.detach().clone() for name, value in start.items()}
    tuned = [params[name].requires_grad_() for name in names]
    optimiser = make_optimiser(tuned, config)
    noise = torch_generator(seed, "adapt-noise")
    order = numpy_generator(seed, "adapt-order")
    a_pass = -(-items // config.batch)
    epochs = max(config.epochs, -(-config.min_steps // a_pass))
    losses: list[float] = []
    step, taken = 0, 1
    for epoch in range(epochs):
        shuffled = order.permutation(items).tolist()
        total, taken = 0.0, 0
        for first in range(0, items, config.batch):
            chosen = shuffled[first : first + config.batch]
            loss = learner.loss(params, batch(chosen), noise)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            norm = torch.nn.utils.clip_grad_norm_(tuned, config.clip)
            for group in optimiser.param_groups:
                group["lr"] = config.lr * cosine(step, epochs * a_pass)
            if bool(torch.isfinite(norm)):
                taken += 1
                before = {name: params[name].detach().clone() for name in scale}
                optimiser.step()
                _rescale(params, before, scale)
            step += 1
            total += float(loss.detach()) * len(chosen)
        losses.append(total / items)
        if on_epoch is not None:
            on_epoch(epoch + 1, losses[-1], params)
        if losses[-1] < config.stop_loss:
            break
    final = {name: value.detach() for name, value in params.items()}
    made = Adapted(final, tuple(losses), step, len(losses) < epochs)
    return _finite(made, names, config, taken > 0)


def _finite(made: Adapted, names: Sequence[str], config: AdaptConfig, moved: bool) -> Adapted:
    """What an adaptation made, if it is finite.

    A batch whose gradient is not finite is passed over, and the others may do without it.

    Args:
        moved: whether the last pass had a finite gradient at all.

    Raises:
        UserError: it had none, or the parameters that were tuned are not finite.
    """
    if moved and all(bool(made.params[name].isfinite().all()) for name in names):
        return made
    raise UserError(
        f"adaptation came to nothing: the loss is not finite after {made.steps} steps at a "
        f"learning rate of {config.lr:g}; set a lower one (adapt.lr, of a fresh start scratch.lr)"
    )


def is_learned(learner: Learner, config: AdaptConfig) -> bool:
    """Whether the learner adapts by an update rule of its own."""
    if config.optimiser == "auto":
        return gates_of(learner) is not None
    return config.optimiser == "learned"


@torch.no_grad()
def _rescale(params: Params, before: Params, scale: Params) -> None:
    """Make of each step what it were with so many times the rate, for any optimiser."""
    for name, start in before.items():
        step = params[name] - start
        params[name].copy_(start + scale[name] * step)


def make_optimiser(tuned: list[Tensor], config: AdaptConfig) -> torch.optim.Optimizer:
    """The optimiser that a config names; :class:`UserError` if there is none."""
    if config.optimiser in ("auto", "sgd"):
        return torch.optim.SGD(tuned, lr=config.lr, momentum=config.momentum)
    if config.optimiser == "adam":
        return torch.optim.Adam(tuned, lr=config.lr)
    raise UserError(
        f"adapt.optimiser {config.optimiser!r} is unknown; use auto, sgd, adam or learned"
    )
