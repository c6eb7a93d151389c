"""Adapting any learner to a support set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from fewshot_metalstm.adapt import finetune as finetuning
from fewshot_metalstm.adapt.finetune import AdaptConfig, Adapted, finetune, make_optimiser
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.algorithm import OWN
from fewshot_metalstm.meta.rates import Rates, multipliers
from tests.meta.toys import Points, Regressor, Sines, flat_parameters

SUPPORT = Sines(points=7).episode(0, 0).support
CONFIG = AdaptConfig(lr=0.02, batch=3, epochs=5, min_steps=60, averages=1)


def take(chosen: Sequence[int]) -> Points:
    return Points(SUPPORT.x[list(chosen)], SUPPORT.y[list(chosen)])


def adapt(
    learner: Regressor, seed: int = 0, config: AdaptConfig = CONFIG, names: Sequence[str] = ()
) -> Adapted:
    return finetune(learner, names or learner.adapted(), 7, take, config, seed)


def test_the_learner_is_left_and_the_loss_falls() -> None:
    learner = Regressor()
    before = flat_parameters(learner)
    adapted = adapt(learner)
    assert torch.equal(flat_parameters(learner), before)
    assert all(p.grad is None and p.requires_grad for p in learner.parameters())
    with torch.no_grad():
        start, end = learner(SUPPORT), learner.loss(adapted.params, SUPPORT)
    assert float(end) < 0.5 * float(start)
    assert sum(adapted.losses[-3:]) < sum(adapted.losses[:3])
    assert not any(p.requires_grad for p in adapted.params.values())


@pytest.mark.parametrize(("lr", "steps"), [(1e308, 1), (1e200, 60)])
def test_a_loss_that_is_not_finite_in_the_end_is_an_error(lr: float, steps: int) -> None:
    config = replace(CONFIG, lr=lr, momentum=0.0, epochs=1, min_steps=steps, batch=7, clip=1e30)
    with pytest.raises(
        UserError, match=r"came to nothing: the loss is not finite .* set a lower one"
    ) as raised:
        adapt(Regressor(), config=config)
    assert f"after {steps} steps at a learning rate of {lr:g};" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_only_the_named_parameters_change() -> None:
    learner = Regressor()
    own = dict(learner.named_parameters())
    adapted = adapt(learner, names=["fast_bias"])
    changed = {n for n, p in adapted.params.items() if not torch.equal(p, own[n])}
    assert changed == {"fast_bias"}


def test_a_seed_fixes_everything() -> None:
    first, second, other = (adapt(Regressor(), seed) for seed in (1, 1, 2))
    assert first.losses == second.losses
    for name, value in first.params.items():
        assert torch.equal(value, second.params[name])
    assert first.losses != other.losses


def test_averages_are_the_mean_of_adaptations_that_differ_in_noise_alone() -> None:
    learner = Regressor()
    one = adapt(learner)
    two = adapt(learner, config=replace(CONFIG, averages=2))
    assert two.steps == 2 * one.steps
    # The first of the two is the single one; twice the mean less the first is the second.
    second = {n: 2 * p - one.params[n] for n, p in two.params.items()}
    with torch.no_grad():
        losses = [float(learner.loss(p, SUPPORT)) for p in (one.params, second, two.params)]
        start = float(learner(SUPPORT))
    assert max(losses) < 0.5 * start
    assert any(not torch.equal(second[n], one.params[n]) for n in learner.adapted())


def test_steps_depend_on_the_support_alone() -> None:
    # Three batches a pass: 20 passes make the 60 steps, more than the 5 epochs.
    adapted = adapt(Regressor())
    assert (adapted.steps, len(adapted.losses), adapted.stopped_early) == (60, 20, False)
    many = adapt(Regressor(), config=replace(CONFIG, epochs=25))
    assert (many.steps, len(many.losses)) == (75, 25)


def test_every_sentence_is_seen_once_an_epoch() -> None:
    seen: list[list[int]] = []

    def noted(chosen: Sequence[int]) -> Points:
        seen.append(list(chosen))
        return take(chosen)

    learner = Regressor()
    config = replace(CONFIG, epochs=2, min_steps=1)
    finetune(learner, learner.adapted(), 7, noted, config, 0)
    assert seen[0] == list(range(7))  # for the head
    assert [len(chosen) for chosen in seen[1:]] == [3, 3, 1, 3, 3, 1]
    for epoch in (seen[1:4], seen[4:7]):
        assert sorted(i for chosen in epoch for i in chosen) == list(range(7))
    assert seen[1:4] != seen[4:7]


def test_it_stops_early_and_tells_every_epoch() -> None:
    epochs: list[tuple[int, float]] = []
    learner = Regressor()
    config = replace(CONFIG, stop_loss=1e9)
    adapted = finetune(
        learner, learner.adapted(), 7, take, config, 0, lambda e, loss, _: epochs.append((e, loss))
    )
    assert adapted.stopped_early
    assert epochs == [(1, adapted.losses[0])]


def test_a_batch_that_is_not_finite_is_skipped() -> None:
    def broken(chosen: Sequence[int]) -> Points:
        points = take(chosen)
        return Points(points.x, points.y * (torch.inf if 3 in chosen and len(chosen) < 7 else 1))

    learner = Regressor()
    adapted = finetune(learner, learner.adapted(), 7, broken, CONFIG, 0)
    assert all(bool(torch.isfinite(p).all()) for p in adapted.params.values())


def rated(steps: int | None = None) -> Regressor:
    """A regressor whose weight has three times the rate of its bias, and its mean is 1/10."""
    learner = Regressor()
    learner.add_module(OWN, Rates(learner, ["fast_weight", "fast_bias"], 0.1, steps))
    with torch.no_grad():
        learner.get_parameter("inner.fast_weight").fill_(math.log(0.12))
        learner.get_parameter("inner.fast_bias").fill_(math.log(0.04))
    mean = (4 * 0.12 + 0.04) / 5
    found = multipliers(learner, learner.adapted())
    assert float(found["fast_bias"]) == pytest.approx(0.04 / mean)
    return learner


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
@pytest.mark.parametrize("steps", [None, 3])
def test_learned_rates_are_those_of_an_optimiser_with_as_many_groups(
    optimiser: str, steps: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = rated(steps)
    names = ["fast_weight", "shared_bias", "fast_bias"]
    config = replace(CONFIG, optimiser=optimiser)
    found = adapt(learner, config=config, names=names).params
    scale = multipliers(learner, names)
    plain = make_optimiser

    class Grouped:
        """Sets one rate; each parameter takes its own part of it."""

        def __init__(self, tuned: list[torch.Tensor], given: AdaptConfig) -> None:
            parts = [float(scale[n].mean()) if n in scale else 1.0 for n in names]
            self.parts = [(plain([t], given), part) for t, part in zip(tuned, parts, strict=True)]
            self.param_groups: list[dict[str, float]] = [{"lr": given.lr}]

        def zero_grad(self) -> None:
            for one, _ in self.parts:
                one.zero_grad()

        def step(self) -> None:
            for one, part in self.parts:
                one.param_groups[0]["lr"] = self.param_groups[0]["lr"] * part
                one.step()

    monkeypatch.setattr(finetuning, "make_optimiser", Grouped)
    wanted = adapt(Regressor(), config=config, names=names).params
    for name in names:
        torch.testing.assert_close(found[name], wanted[name])
    monkeypatch.undo()
    unrated = adapt(Regressor(), config=config, names=names).params
    assert not torch.allclose(found["fast_weight"], unrated["fast_weight"])


def test_equal_rates_change_nothing() -> None:
    learner = Regressor()
    learner.add_module(OWN, Rates(learner, learner.adapted(), 0.7))
    found, wanted = adapt(learner).params, adapt(Regressor()).params
    for name in learner.adapted():
        torch.testing.assert_close(found[name], wanted[name])


def test_the_mean_with_a_part_without_epochs_has_the_losses_of_the_others() -> None:
    params = {"a": torch.tensor([1.0])}
    none, some = Adapted(params, (), 0, False), Adapted({"a": params["a"] + 2}, (3.0, 1.0), 4, True)
    for runs in ([none, some], [some, none]):
        found = finetuning.average(runs, ["a"])
        assert (found.params["a"].item(), found.losses, found.steps) == (2.0, (3.0, 1.0), 4)
    assert finetuning.average([none, none], ["a"]).losses == ()
