"""Jobs on processes, and a process that dies."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import torch

from fewshot_metalstm.jobs.pool import PoolRunner
from tests.jobs.toys import CRASH, MENDABLE, RAISE, Poison, Squares, Sums


def test_every_job_is_done_and_each_process_sets_up_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    outcomes = list(PoolRunner(2).run(Squares(log), list(range(8))))
    assert {o.number: o.result for o in outcomes} == {n: n * n for n in range(8)}
    lines = log.read_text().splitlines()
    assert lines.count("setup") <= 2
    assert sorted(line for line in lines if line != "setup") == [f"job {n}" for n in range(8)]
    assert not multiprocessing.active_children()


def test_any_number_of_tensors_reaches_them() -> None:
    """More than a process could be given open files for, as torch shares tensors."""
    tensors = tuple(torch.tensor(float(n)) for n in range(600))
    outcomes = list(PoolRunner(2).run(Sums(tensors), [0, 1, 599]))
    assert {o.result for o in outcomes} == {0, 1, 599}


def test_a_death_fails_one_job_and_no_other() -> None:
    outcomes = {o.number: o for o in PoolRunner(2).run(Poison(), list(range(7)))}
    good = {n: o.result for n, o in outcomes.items() if o.failure is None}
    assert good == {n: n * n for n in (0, 1, 5, 6)}
    reasons = {n: o.failure.reason for n, o in outcomes.items() if o.failure is not None}
    assert reasons == {
        CRASH: "its process ended with exit code 7", RAISE: "RuntimeError: a bad day",
        MENDABLE: "mend it",
    }  # fmt: skip
    assert not multiprocessing.active_children()


def test_leaving_early_ends_the_processes() -> None:
    running = PoolRunner(2).run(Squares(), list(range(100)))
    next(running)
    assert multiprocessing.active_children()
    running.close()  # type: ignore[attr-defined]
    assert not multiprocessing.active_children()
