"""``torchrun ... fewshot-metalstm meta-train``: the run of one process, on several."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.meta.state import load_state
from tests.cli.builders import meta_train, settings
from tests.kinds.tagging.tagger.builders import digests, same
from tests.serving import free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ranks")]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def assert_same_run(a: Path, b: Path) -> None:
    assert (a / "history.jsonl").read_text() == (b / "history.jsonl").read_text()
    states = [load_state(folder / "state" / "training.safetensors") for folder in (a, b)]
    assert same(*(dict(state.tensors) for state in states))
    assert digests(a / "checkpoint") == digests(b / "checkpoint")


def torchrun(
    ranks: int, arguments: list[str], folder: Path
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """A command on several ranks, as a user starts it."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(ranks),
               "--master-port", str(free_port()), "-m", "fewshot_metalstm"]  # fmt: skip
    return subprocess.run(
        [*command, *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip


def ranks_of(size: int, arguments: list[str], folder: Path) -> list[subprocess.Popen[str]]:
    """The same without ``torchrun``, which ends every rank when one has failed."""
    shared = {**ENVIRONMENT, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()),
              "WORLD_SIZE": str(size), "LOCAL_WORLD_SIZE": str(size)}  # fmt: skip
    return [
        subprocess.Popen(
            [sys.executable, "-m", "fewshot_metalstm", *arguments], cwd=folder,
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(size)
    ]  # fmt: skip


def until_outer_step(history: Path, processes: list[subprocess.Popen[str]]) -> None:
    deadline = time.monotonic() + 300
    while not (history.is_file() and '"phase": "outer"' in history.read_text()):
        assert all(process.poll() is None for process in processes)
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_three_ranks_under_torchrun_equal_one_process(tmp_path: Path, meta_trained: Path) -> None:
    """Two episodes a step: the third rank has none, and takes its part of validation only."""
    done = torchrun(3, meta_train(tmp_path / "run", "--json"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1, "rank 0 alone has a result"
    assert json.loads(done.stdout)["outer_steps"] == 3
    assert done.stderr.count("outer loop: 3 to do") == 1, "rank 0 alone tells"
    assert done.stderr.count("3 ranks share the 2 episodes of a step; 1 have none") == 1
    assert_same_run(tmp_path / "run", meta_trained)


def test_a_killed_rank_costs_nothing_but_time(tmp_path: Path) -> None:
    """Killed amid the steps, resumed by one process: the run of one process."""
    long = settings(["outer.steps=30", "outer.validate_every=10"])
    output = tmp_path / "run"
    ranks = ranks_of(2, meta_train(output, *long, "--quiet"), tmp_path)
    try:
        until_outer_step(output / "history.jsonl", ranks)
        ranks[1].send_signal(signal.SIGKILL)
        out, err = ranks[0].communicate(timeout=300)
        assert ranks[1].communicate(timeout=300) == ("", "")
    finally:
        for rank in ranks:
            rank.kill()
    assert ranks[0].returncode == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("error: rank 1 (")
    assert err.endswith(f"ended or does not answer; {output} is saved, add --resume to go on\n")
    record = load_state(output / "state" / "training.safetensors").record
    assert 0 < record["done"] < 30
    assert record["lines"] == len((output / "history.jsonl").read_text().splitlines())
    again = ["meta-train", "--output", str(output), "--resume", "--no-tracking", "--quiet"]
    assert main(again) == 0
    assert main(meta_train(tmp_path / "alone", *long, "--quiet")) == 0
    assert_same_run(output, tmp_path / "alone")


def test_a_signal_to_all_ranks_saves_the_state_once(tmp_path: Path) -> None:
    output = tmp_path / "run"
    ranks = ranks_of(2, meta_train(output, *settings(["outer.steps=100000"]), "--quiet"), tmp_path)
    try:
        until_outer_step(output / "history.jsonl", ranks)
        for rank in ranks:
            rank.terminate()
        printed = [rank.communicate(timeout=300) for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    assert [rank.returncode for rank in ranks] == [128 + signal.SIGTERM, 1]
    assert printed[0] == ("", f"interrupted; {output} is saved, add --resume to go on\n")
    assert printed[1] == ("", "")
    record = load_state(output / "state" / "training.safetensors").record
    assert record["lines"] == len((output / "history.jsonl").read_text().splitlines())


def test_a_mistake_is_said_once(tmp_path: Path) -> None:
    """One that rank 0 meets, while the others wait."""
    done = torchrun(2, meta_train(tmp_path / "run", "--resume"), tmp_path)
    assert done.returncode == 1  # torchrun's own
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert "there is no run to resume" in line
    assert "Traceback" not in done.stderr[: done.stderr.index(line)]
