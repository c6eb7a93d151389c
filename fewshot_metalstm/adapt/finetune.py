"""Adapting a learner to the support set of one task: many small steps, then stop.

Like the meta-learning core this sees a learner and batches, whatever they hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.joint import cosine
from fewshot_metalstm.meta.learner import Learner, Params
from fewshot_metalstm.seeds import derive, numpy_generator, torch_generator


@dataclass(frozen=True)
class AdaptConfig:
    """Adaptation to a support set."""

    optimiser: str = "sgd"  # sgd (with momentum, as near to the inner loop as can be) or adam
    lr: float = 0.05  # learning rate at the start; it falls to zero along a cosine
    momentum: float = 0.9  # of sgd
    batch: int = 10  # sentences in a step
    epochs: int = 30  # passes over the support, at most
    min_steps: int = 150  # a small support is passed over more often, up to this many steps
    clip: float = 5.0  # largest norm of a gradient
    stop_loss: float = 0.02  # stop early when the mean loss of an epoch is below this
    averages: int = 10  # adaptations that differ in order and noise alone, and are averaged


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
    sentences: int,
    batch: Callable[[Sequence[int]], object],
    config: AdaptConfig,
    seed: int,
    on_epoch: Callable[[int, float, Params], None] | None = None,
) -> Adapted:
    """Tune the parameters ``names`` of ``learner`` on a support set, with dropout.

    The learner itself is left as it is. The number of steps depends on the support alone. With
    ``config.averages`` above 1 the parameters are the mean of several adaptations: from one good
    start they end in one basin, whose middle is better than its rim (Wortsman et al., "Model
    soups", ICML 2022). A fresh start has no such basin to share: leave ``averages`` at 1 for it.

    Args:
        sentences: size of the support.
        batch: gives the batch of some of its items, by index.
        seed: fixes order and noise.
        on_epoch: called with the epoch (from 1), its mean loss and the parameters so far, for
            each adaptation in turn.
    """
    check(config)
    return average([
        finetune_once(learner, names, sentences, batch, config, seed, number, on_epoch)
        for number in range(config.averages)
    ], names)  # fmt: skip


def check(config: AdaptConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    if config.averages < 1:
        raise UserError(f"adapt.averages is {config.averages}; use at least 1")


def average(runs: Sequence[Adapted], names: Sequence[str]) -> Adapted:
    """The mean of several adaptations, given in order, that tuned the parameters ``names``."""
    tuned = set(names)
    params = {
        name: torch.stack([run.params[name] for run in runs]).mean(0) if name in tuned else value
        for name, value in runs[0].params.items()
    }
    losses = tuple(
        sum(run.losses[min(epoch, len(run.losses) - 1)] for run in runs) / len(runs)
        for epoch in range(max(len(run.losses) for run in runs))
    )
    steps = sum(run.steps for run in runs)
    return Adapted(params, losses, steps, any(run.stopped_early for run in runs))


def finetune_once(
    learner: Learner,
    names: Sequence[str],
    sentences: int,
    batch: Callable[[Sequence[int]], object],
    config: AdaptConfig,
    seed: int,
    number: int,
    on_epoch: Callable[[int, float, Params], None] | None = None,
) -> Adapted:
    """The adaptation ``number`` of those that :func:`finetune` averages."""
    seed = derive(seed, number)
    everything = range(sentences)
    start = learner.initial(batch(everything))
    params = {name: value.detach().clone() for name, value in start.items()}
    tuned = [params[name].requires_grad_() for name in names]
    optimiser = make_optimiser(tuned, config)
    noise = torch_generator(seed, "adapt-noise")
    order = numpy_generator(seed, "adapt-order")
    a_pass = -(-sentences // config.batch)
    epochs = max(config.epochs, -(-config.min_steps // a_pass))
    losses: list[float] = []
    step = 0
    for epoch in range(epochs):
        shuffled = order.permutation(sentences).tolist()
        total = 0.0
        for first in range(0, sentences, config.batch):
            chosen = shuffled[first : first + config.batch]
            loss = learner.loss(params, batch(chosen), noise)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            norm = torch.nn.utils.clip_grad_norm_(tuned, config.clip)
            for group in optimiser.param_groups:
                group["lr"] = config.lr * cosine(step, epochs * a_pass)
            if bool(torch.isfinite(norm)):
                optimiser.step()
            step += 1
            total += float(loss.detach()) * len(chosen)
        losses.append(total / sentences)
        if on_epoch is not None:
            on_epoch(epoch + 1, losses[-1], params)
        if losses[-1] < config.stop_loss:
            break
    final = {name: value.detach() for name, value in params.items()}
    return Adapted(final, tuple(losses), step, len(losses) < epochs)


def make_optimiser(tuned: list[Tensor], config: AdaptConfig) -> torch.optim.Optimizer:
    """The optimiser that a config names; :class:`UserError` if there is none."""
    if config.optimiser == "sgd":
        return torch.optim.SGD(tuned, lr=config.lr, momentum=config.momentum)
    if config.optimiser == "adam":
        return torch.optim.Adam(tuned, lr=config.lr)
    raise UserError(f"adapt.optimiser {config.optimiser!r} is unknown; use sgd or adam")
