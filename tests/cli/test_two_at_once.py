"""Two processes that write to one place at once: both right, or one line that says who is there."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.builders import adapt, start
from tests.kills import documents


def ended(command: list[str], folder: Path, times: int = 2) -> list[tuple[int, str]]:
    """Exit code and standard error of processes that are started together."""
    with ExitStack() as stack:
        processes = [stack.enter_context(start(command, folder)) for _ in range(times)]
        printed = [process.communicate(timeout=300)[1] for process in processes]
    return [(process.returncode, text) for process, text in zip(processes, printed, strict=True)]


@pytest.mark.slow
def test_two_runs_in_one_folder(meta_trained: Path, tmp_path: Path) -> None:
    command = adapt(tmp_path / "run", "--checkpoint", str(meta_trained), "--draws", "1", "--quiet")
    codes = sorted(ended(command, tmp_path))
    assert [code for code, _ in codes] == [0, 2], codes
    says = codes[1][1]
    assert "another process is writing" in says or "holds a run already" in says
    assert says.count("\n") == 1


@pytest.mark.parametrize("to", ["brat", "bioc-xml"])
def test_two_conversions_to_one_place(to: str, tmp_path: Path) -> None:
    documents(tmp_path / "in.jsonl", 100)
    place = tmp_path / "out"
    codes = ended(["convert", "in.jsonl", str(place), "--to", to], tmp_path, times=3)
    done = [code for code, _ in codes].count(0)
    assert done == 3 if to == "bioc-xml" else done >= 1
    for code, printed in codes:
        assert code == 0 or "holds files already; name a new or an empty folder" in printed
        assert printed.count("\n") == (code != 0)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    if to == "brat":
        assert len(list(place.glob("*.txt"))) == 100
        assert done == 1
