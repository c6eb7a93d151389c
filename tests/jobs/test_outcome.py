"""Outcomes and retries."""

from __future__ import annotations

from pathlib import Path

from fewshot_metalstm.jobs.outcome import Failure, Worker, with_retries
from fewshot_metalstm.jobs.pool import PoolRunner
from tests.jobs.toys import MENDABLE, RAISE, OnceOnly, Poison, Squares, Unloadable


def test_a_worker_sets_up_once_and_turns_errors_into_failures(tmp_path: Path) -> None:
    log = tmp_path / "log"
    worker = Worker(Squares(log))
    assert [worker.attempt(n, n).result for n in (1, 2)] == [1, 4]
    assert log.read_text().split("\n")[:-1] == ["setup", "job 1", "job 2"]
    failed = Worker(Poison()).attempt(0, RAISE)
    assert failed.result is None
    assert failed.failure is not None
    assert failed.failure.reason == "RuntimeError: a bad day"
    assert "raise RuntimeError" in failed.failure.detail
    assert not failed.failure.final
    assert Worker(Poison()).attempt(0, MENDABLE).failure == Failure("mend it", final=True)


def test_a_setup_that_fails_fails_the_job() -> None:
    failure = Worker(Unloadable()).attempt(0, 1).failure
    assert failure is not None
    assert failure.reason == "RuntimeError: no model"


def test_failed_jobs_are_tried_again_and_those_that_cannot_succeed_are_not(tmp_path: Path) -> None:
    failures: list[tuple[int, str]] = []
    outcomes = with_retries(
        PoolRunner(1), OnceOnly(tmp_path), [5, 6], 1, lambda n, f: failures.append((n, f.reason))
    )
    assert [(o.number, o.result) for o in outcomes] == [(0, 5), (1, 6)]
    assert failures == [(0, "RuntimeError: not yet"), (1, "RuntimeError: not yet")]
    failures.clear()
    jobs = [MENDABLE, RAISE, 1]
    again = with_retries(PoolRunner(1), Poison(), jobs, 2, lambda n, f: failures.append((n, "")))
    found = {o.number: o for o in again}
    assert [number for number, _ in failures] == [1, 1]
    counts = {number: o.failure and o.failure.attempts for number, o in found.items()}
    assert counts == {0: 1, 1: 3, 2: None}


def test_no_jobs_no_outcomes() -> None:
    assert list(with_retries(PoolRunner(2), Unloadable(), [], 1)) == []
