"""Joint training: a head for each task, one shared rest."""

from __future__ import annotations

import math

import pytest
import torch

from fewshot_metalstm.meta.joint import JointConfig, JointTraining, TaskBatch, cosine
from fewshot_metalstm.meta.state import optimiser_tensors, restore_optimiser
from tests.meta.toys import Points, Regressor, Sines, flat_parameters, noise

BATCHES = {name: Sines().episode(0, i).support for i, name in enumerate("ab")}


def training(steps: int = 10) -> JointTraining:
    return JointTraining(Regressor(), BATCHES, JointConfig(steps=steps, lr=0.02))


def take(joint: JointTraining, steps: int) -> list[float]:
    """Steps whose task and noise are functions of the step."""
    return [
        joint.step(
            TaskBatch("ab"[joint.done % 2], BATCHES["ab"[joint.done % 2]]), noise(joint.done)
        )
        for _ in range(steps)
    ]


def test_a_step_moves_the_shared_part_and_its_own_head_alone() -> None:
    joint = training()
    before = {n: p.detach().clone() for n, p in joint.learner.named_parameters()}
    other = {n: p.detach().clone() for n, p in joint.heads["b"].items()}
    take(joint, 1)
    for name, parameter in joint.learner.named_parameters():
        moved = not torch.equal(parameter, before[name])
        assert moved == (name in ("shared_weight", "shared_bias")), name
    assert all(torch.equal(other[n], p) for n, p in joint.heads["b"].items())
    assert all(not torch.equal(before[n], p) for n, p in joint.heads["a"].items())


def test_a_head_without_a_batch_does_not_drift_on_adams_memory() -> None:
    joint = training()
    take(joint, 1)
    a = {n: p.detach().clone() for n, p in joint.heads["a"].items()}
    take(joint, 1)
    assert all(torch.equal(a[n], p) for n, p in joint.heads["a"].items())


def test_loss_falls_and_finish_gives_the_mean_head() -> None:
    joint = training(150)
    losses = take(joint, 150)
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])
    joint.finish()
    named = dict(joint.learner.named_parameters())
    for name in joint.learner.head():
        mean = (joint.heads["a"][name] + joint.heads["b"][name]) / 2
        torch.testing.assert_close(named[name].detach(), mean.detach())


def test_state_restores_to_the_same_numbers() -> None:
    whole = training()
    expected = take(whole, 7)
    first = training()
    losses = take(first, 3)
    second = training()
    second.learner.load_state_dict(first.learner.state_dict())
    for task, head in first.heads.items():
        for name, value in head.items():
            second.heads[task][name].data.copy_(value)
    restore_optimiser(second.optimiser, optimiser_tensors(first.optimiser))
    second.done = first.done
    assert losses + take(second, 4) == expected
    assert torch.equal(flat_parameters(second.learner), flat_parameters(whole.learner))
    for task, head in whole.heads.items():
        assert all(torch.equal(v, second.heads[task][n]) for n, v in head.items())


def test_a_non_finite_step_is_skipped_and_counted() -> None:
    joint = training()
    take(joint, 1)
    before = flat_parameters(joint.learner)
    batch = BATCHES["a"]
    loss = joint.step(TaskBatch("a", Points(batch.x, batch.y * math.inf)), noise())
    assert not math.isfinite(loss)
    assert (joint.skipped, joint.done) == (1, 2)
    assert torch.equal(flat_parameters(joint.learner), before)
    assert math.isfinite(take(joint, 1)[0])
    assert not torch.equal(flat_parameters(joint.learner), before)


def test_cosine_falls_from_one_to_the_floor() -> None:
    values = [cosine(step, 10, 0.2) for step in range(13)]
    assert values[0] == 1
    assert values[5] == pytest.approx(0.6)
    assert values[10:] == pytest.approx([0.2] * 3)
    assert values == sorted(values, reverse=True)
    assert cosine(0, 0) == 1
