"""Episodes on several processes: the same numbers as on one."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.maml import MAML
from fewshot_metalstm.meta.outer import OuterConfig, OuterLoop, StepRecord
from fewshot_metalstm.meta.pool import EpisodePool
from tests.meta.toys import HeldOut, Regressor, Sines, flat_parameters

INNER = InnerConfig(steps=2, lr=0.05)


def pool(workers: int, learner: Regressor, source: Sines | None = None) -> EpisodePool:
    return EpisodePool(
        learner, MAML(INNER), source or Sines(), HeldOut(), meta_batch=3, workers=workers, seed=4
    )


def run(workers: int) -> tuple[Tensor, Tensor, list[StepRecord], list[float]]:
    """Gradients of step 0; then parameters, records and validation of three outer steps."""
    learner = Regressor()
    with pool(workers, learner, Sines(broken=frozenset({(1, 2)}))) as episodes:
        _, gradients = episodes.step(0)
        gradients = gradients.clone()
        for process in episodes._processes:
            # As a scheduler sends it to all: a worker must leave it to the parent, and go on.
            os.kill(process.pid or 0, signal.SIGTERM)
            os.kill(process.pid or 0, signal.SIGINT)
        loop = OuterLoop(learner, OuterConfig(steps=3, meta_batch=3, lr=0.05))
        figures = [episodes.validate()]
        records = []
        for record in loop.run(episodes):
            records.append(record)
            figures.append(episodes.validate())
    assert not any(process.is_alive() for process in episodes._processes)
    return gradients, flat_parameters(learner), records, figures


def test_two_workers_give_bit_identical_results_to_one() -> None:
    (alone, weights, records, figures), (spread, weights2, records2, figures2) = run(1), run(2)
    assert torch.equal(alone, spread)
    assert torch.equal(weights, weights2)
    assert repr(records) == repr(records2)
    assert figures == figures2
    assert records[1].skipped == ("sine/1/2",)
    assert len(set(figures)) == 4, "workers must see the weights of each step"


def test_gradients_are_those_of_the_algorithm_in_the_order_of_episodes() -> None:
    from fewshot_metalstm.seeds import torch_generator

    learner = Regressor()
    with pool(1, learner) as episodes:
        reports, gradients = episodes.step(5)
    assert [report.name for report in reports] == [f"sine/5/{i}" for i in range(3)]
    for index in range(3):
        outcome = MAML(INNER).outcome(
            learner, Sines().episode(5, index), torch_generator(4, "episode-noise", 5, index)
        )
        assert torch.equal(gradients[index], torch.cat([g.reshape(-1) for g in outcome.gradient]))
        assert reports[index].query_loss == outcome.query_loss


def test_an_error_in_a_worker_is_raised_here_and_ends_the_processes() -> None:
    with (
        pytest.raises(ArithmeticError, match="episode 0/1"),
        pool(2, Regressor(), Sines(fail=(0, 1))) as episodes,
    ):
        episodes.step(0)
    assert not any(process.is_alive() for process in episodes._processes)


def test_a_worker_that_dies_is_an_error_and_not_a_wait() -> None:
    with (
        pytest.raises(RuntimeError, match="ended unexpectedly"),
        pool(2, Regressor(), Sines(fail=(0, 1), how="exit")) as episodes,
    ):
        episodes.step(0)


def test_non_finite_gradients_are_reported() -> None:
    with pool(1, Regressor(), Sines(broken=frozenset({(0, 1)}))) as episodes:
        reports, _ = episodes.step(0)
    assert [report.finite for report in reports] == [True, False, True]


def test_the_number_of_threads_is_given_back() -> None:
    before = torch.get_num_threads()
    with pool(1, Regressor()):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_validation_needs_a_validator() -> None:
    learner = Regressor()
    algorithm = FirstOrderMAML(replace(INNER, noise=False))
    with (
        EpisodePool(learner, algorithm, Sines(), None, meta_batch=1, workers=1, seed=0) as episodes,
        pytest.raises(ValueError, match="no validator"),
    ):
        episodes.validate()
    with pool(1, learner) as episodes:
        scores = [HeldOut().score(learner, MAML(INNER), i) for i in range(3)]
        assert episodes.validate() == HeldOut().combine(scores)
