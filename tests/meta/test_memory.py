"""What the graphs of second order hold."""

from __future__ import annotations

import pytest

from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.func import FuncMAML
from fewshot_metalstm.meta.maml import MAML
from fewshot_metalstm.meta.memory import MIB, Memory, measure
from tests.meta.toys import SideBySide, Sines

INNER = InnerConfig(steps=5)
EPISODES = [Sines(points=200).episode(0, i) for i in range(4)]


def test_a_graph_of_all_steps_grows_with_them_and_that_of_one_does_not() -> None:
    learner = SideBySide()
    whole = measure(MAML(INNER), learner, EPISODES)
    short = measure(MAML(INNER, 2, 2), learner, EPISODES)
    one = measure(FuncMAML(INNER, tasks=1), learner, EPISODES)
    four = measure(FuncMAML(INNER, tasks=4), learner, EPISODES)
    assert whole is not None
    assert short is not None
    assert one is not None
    assert four is not None
    hidden = 200 * 4 * 8  # bytes of the toy's widest layer on one episode
    assert whole.step > 2 * hidden
    assert whole.peak - short.peak == pytest.approx(3 * whole.step)
    assert (whole.steps, short.steps, whole.tasks, four.tasks) == (5, 2, 1, 4)
    assert one.peak < 2 * whole.step
    assert 3 * one.peak < four.peak < 5 * one.peak


def test_first_order_keeps_no_step() -> None:
    learner = SideBySide()
    for algorithm in (FirstOrderMAML(INNER), MAML(INNER, order=1), MAML(INNER, 2, 0)):
        assert measure(algorithm, learner, EPISODES) is None


def test_what_is_told() -> None:
    assert Memory(12.34 * MIB, 80 * MIB, 5, 1).summary(2) == (
        "second order keeps 12.3 MiB an inner step (5 of them), about 80 MiB an episode, "
        "in each of 2 processes"
    )
    assert "4 episodes at once" in Memory(MIB, MIB, 5, 4).summary(1)
