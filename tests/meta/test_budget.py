"""The budget of joint training alone."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from fewshot_metalstm.meta.budget import gradient_evaluations, joint_preset, settled
from fewshot_metalstm.meta.config import InnerConfig, JointConfig, OuterConfig, TrainingConfig
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.learner import Episode
from tests.meta.toys import Points, Regressor

JOINT = TrainingConfig(algorithm="joint")


def test_the_defaults() -> None:
    assert gradient_evaluations(TrainingConfig()) == 52_000
    assert joint_preset(JOINT) == ("joint.steps=52000",)
    assert joint_preset(TrainingConfig()) == ()


def test_what_is_trained_jointly_has_one_budget() -> None:
    for algorithm in ("nnshot", "structshot"):
        config = replace(JOINT, algorithm=algorithm)
        assert joint_preset(config) == joint_preset(JOINT)
        assert settled(config) == replace(settled(JOINT), algorithm=algorithm)


def test_every_part_counts() -> None:
    config = TrainingConfig(
        joint=JointConfig(steps=7), inner=InnerConfig(steps=3),
        outer=OuterConfig(steps=5, meta_batch=2),
    )  # fmt: skip
    assert gradient_evaluations(config) == 7 + 5 * 2 * 4


def test_there_are_no_outer_steps() -> None:
    assert settled(JOINT).outer == replace(JOINT.outer, steps=0)
    assert settled(settled(JOINT)) == settled(JOINT)
    assert settled(TrainingConfig()) == TrainingConfig()


def test_an_episode_takes_as_many_gradients_as_are_counted() -> None:
    taken: list[bool] = []

    class Counted(Regressor):
        def forward(self, batch: Points, generator: torch.Generator | None = None) -> Tensor:
            taken.append(torch.is_grad_enabled())
            return super().forward(batch, generator)

    points = Points(torch.ones(2, 1, dtype=torch.float64), torch.ones(2, 1, dtype=torch.float64))
    config = TrainingConfig(
        joint=JointConfig(steps=0), inner=InnerConfig(steps=3, noise=False),
        outer=OuterConfig(steps=1, meta_batch=1),
    )  # fmt: skip
    FirstOrderMAML(config.inner).outcome(
        Counted(), Episode(points, points, "one"), torch.Generator()
    )
    assert sum(taken) == gradient_evaluations(config)
