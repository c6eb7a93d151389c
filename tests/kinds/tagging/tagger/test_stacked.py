"""Batches of several tasks side by side: the same losses, and the same gradients by any engine."""

from __future__ import annotations

import pytest
import torch

from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.func import FuncMAML, pad
from fewshot_metalstm.meta.l2l import Learn2LearnMAML
from fewshot_metalstm.meta.learner import Episode
from fewshot_metalstm.meta.maml import MAML
from fewshot_metalstm.meta.unrolled import Unrolled
from tests.compat.needed import learn2learn_or_skip
from tests.kinds.tagging.tagger.builders import double, encoded, model, sentences
from tests.meta.toys import flat_parameters, flatten, noise, outer_loss

TYPES = (("Cell",), ("Gene", "Site"), ("Drug",))


def tagger() -> Tagger:
    made = model()
    return made.learner.double()


def episodes() -> list[Episode]:
    """Of three tasks whose batches differ in types, sentences, tokens, words and letters."""
    table = model().table()
    made = []
    for number, types in enumerate(TYPES):
        support = sentences(3 + number, types, number)
        query = sentences(4, types, 10 + number)
        made.append(
            Episode(
                double(encoded(table, support, types)), double(encoded(table, query, types)),
                types[0],
            )
        )  # fmt: skip
    return made


@pytest.mark.parametrize("noisy", [False, True])
def test_losses_and_gradients_are_those_of_each_batch(noisy: bool) -> None:
    learner, given = tagger(), episodes()
    batches = [episode.support for episode in given]
    assert len({b.index.shape for b in batches}) > 1
    starts = [learner.initial(batch) for batch in batches]
    leaves = {name: value.requires_grad_() for name, value in pad(starts).items()}
    generators = [noise(i) for i in range(3)] if noisy else None
    losses = learner.stacked_losses(leaves, learner.stack(batches, generators))
    found = torch.autograd.grad(losses.sum(), list(leaves.values()))
    for i, (batch, start) in enumerate(zip(batches, starts, strict=True)):
        own = {name: value.detach().requires_grad_() for name, value in start.items()}
        loss = learner.loss(own, batch, noise(i) if noisy else None)
        torch.testing.assert_close(losses[i], loss, rtol=1e-12, atol=1e-12)
        wanted = pad([dict(zip(own, torch.autograd.grad(loss, list(own.values())), strict=True))])
        for (name, value), gradient in zip(wanted.items(), found, strict=True):
            inside = tuple(map(slice, value.shape[1:]))
            torch.testing.assert_close(gradient[i][inside], value[0], rtol=1e-9, atol=1e-12)
            rest = gradient[i].clone()
            rest[inside] = 0
            assert not rest.any(), f"{name}: padding has a gradient"


@pytest.mark.parametrize("engine", [Learn2LearnMAML, FuncMAML])
@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("truncate", [None, 1])
def test_engines_give_highers_gradient(
    engine: type[Unrolled], noisy: bool, truncate: int | None
) -> None:
    if engine is Learn2LearnMAML:
        learn2learn_or_skip()
    inner = InnerConfig(steps=2, lr=0.1, clip=1.0, noise=noisy)
    learner, given = tagger(), episodes()
    ours = engine(inner, 2, truncate).outcomes(learner, given, [noise(i) for i in range(3)])
    for i, (episode, outcome) in enumerate(zip(given, ours, strict=True)):
        other = MAML(inner, 2, truncate).outcome(learner, episode, noise(i))
        assert other.inner_norm > inner.clip, "the gradients must be clipped"
        torch.testing.assert_close(
            flatten(outcome.gradient), flatten(other.gradient), rtol=1e-9, atol=1e-11
        )
        assert learner.figure(outcome.adapted, episode.query) == learner.figure(
            other.adapted, episode.query
        )


def test_func_equals_finite_differences_along_a_direction() -> None:
    inner = InnerConfig(steps=2, lr=0.1, clip=1.0, noise=False)
    learner, given = tagger(), episodes()
    outcomes = FuncMAML(inner).outcomes(learner, given, [noise() for _ in given])
    start, step = flat_parameters(learner), 1e-5
    direction = torch.randn(len(start), generator=noise(5), dtype=torch.float64)
    for episode, outcome in zip(given, outcomes, strict=True):
        ahead = outer_loss(learner, inner, episode, start + step * direction)
        back = outer_loss(learner, inner, episode, start - step * direction)
        slope = float(flatten(outcome.gradient) @ direction)
        assert slope == pytest.approx((ahead - back) / (2 * step), rel=1e-6)
