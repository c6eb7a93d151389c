"""What a run says that it is going to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fewshot_metalstm.meta.config import JointConfig, OuterConfig, TrainingConfig
from fewshot_metalstm.meta.plan import TrainingPlan, plan_of

CONFIG = TrainingConfig(joint=JointConfig(steps=28000), outer=OuterConfig(steps=60))


def test_joint_steps_are_said_before_outer_steps_and_how_to_have_fewer() -> None:
    assert plan_of(CONFIG).words == (
        "plan: 28,000 steps of joint training, then 60 of the outer loop "
        "(--joint-steps N for fewer of the first)"
    )
    assert plan_of(replace(CONFIG, start="runs/joint")).words == "plan: 60 of the outer loop"
    alone = plan_of(replace(CONFIG, algorithm="joint"))
    assert alone.words == "plan: 28,000 steps of joint training"
    assert alone.times == ""


@pytest.mark.parametrize(
    ("seconds", "said"),
    [((0.0225, 0.5), "about 10 min of joint training, then 30 s of the outer loop"),
     ((1.0, 120.0), "about 7 h 47 min of joint training, then 2 h 0 min of the outer loop")],
)  # fmt: skip
def test_times_are_told_of_a_measured_step(seconds: tuple[float, float], said: str) -> None:
    plan = TrainingPlan(28000, 60, *seconds)
    assert plan.times.startswith(f"{said} and its validation besides, as a joint step takes ")
    half = TrainingPlan(28000, 60, *seconds, done=(28000, 30))
    assert half.times.startswith("about 1 s of joint training, then ")
