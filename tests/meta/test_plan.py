"""What a run says that it is going to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fewshot_metalstm.meta.config import JointConfig, OuterConfig, TrainingConfig
from fewshot_metalstm.meta.plan import TrainingPlan, plan_of, remaining

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


def test_of_a_run_that_goes_on_what_is_left_is_said() -> None:
    begun = replace(plan_of(CONFIG), done=(12000, 0), joint_seconds=0.06, outer_seconds=1.0)
    assert begun.words == (
        "plan, the rest of a run: 16,000 of 28,000 steps of joint training, "
        "then 60 of the outer loop"
    )
    assert begun.times.startswith("about 17 min left, as steps take on this machine now: 16 min of")
    later = replace(begun, done=(28000, 58))
    assert later.words == "plan, the rest of a run: 2 of 60 of the outer loop"
    assert replace(begun, done=(28000, 60)).words == "plan, the rest of a run: no more steps"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [((0.0225, 0.5, 12.0), "about 13 min in all, as steps take on this machine now: "
      "2 min of word vectors, 10 min of joint training, 30 s of the outer loop, "
      "24 s of meta-validation"),
     ((1.0, 120.0, 0.0), "about 9 h 49 min in all, as steps take on this machine now: "
      "2 min of word vectors, 7 h 47 min of joint training, 2 h 0 min of the outer loop")],
)  # fmt: skip
def test_times_are_told_of_measured_steps(seconds: tuple[float, float, float], said: str) -> None:
    joint, outer, validation = seconds
    plan = TrainingPlan(28000, 60, joint, outer, before=("word vectors", 10, 12.0), validations=2,
                        validation_seconds=validation)  # fmt: skip
    assert plan.times == said
    resumed = replace(plan, done=(28000, 30), before=None, validations=1)
    assert "joint" not in resumed.times
    assert "vectors" not in resumed.times
    assert "in all" not in resumed.times


def test_the_bar_spans_all_of_it() -> None:
    plan = TrainingPlan(
        100, 10, 0.1, 3.0, before=("word vectors", 5, 2.0), validations=4, validation_seconds=5.0
    )
    assert plan.phases == (("word vectors", 5, 2.0), ("joint training", 100, 0.1),
                           ("outer loop", 10, 5.0))  # fmt: skip
    whole = sum(steps * seconds for _, steps, seconds in plan.phases)
    assert f"about {whole:.0f} s in all" in plan.times


def test_validations_that_are_left() -> None:
    config = replace(CONFIG, outer=OuterConfig(steps=60, validate_every=25))
    plan = plan_of(config)
    assert plan.validations == 4, "before step 0, after 25, 50 and 60"
    assert remaining(plan, config, (28000, 30)).validations == 2
    assert plan_of(replace(config, algorithm="joint")).validations == 1
    never = replace(config, outer=OuterConfig(steps=60, validate_every=0))
    assert plan_of(never).validations == 0


def test_little_is_not_worth_measuring() -> None:
    assert TrainingPlan(10, 10).worth
    assert not TrainingPlan(10, 9).worth
    assert not TrainingPlan(28000, 60, done=(28000, 50)).worth
