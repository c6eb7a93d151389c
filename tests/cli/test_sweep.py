"""``fewshot-metalstm sweep`` as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.cli.sweep import comparison_table, first_target
from fewshot_metalstm.cli.terminal import Terminal
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt import cell as cells
from fewshot_metalstm.kinds.tagging.adapt import tuning
from tests.cli.builders import QUICK, refused, run_json, settings, start


def sweep(output: Path, meta_trained: Path, *more: str) -> list[str]:
    """A tiny sweep to the embedded target."""
    return ["sweep", "--targets", "demo-species", "--shots", "5", "--draws", "0-1",
            "--checkpoint", str(meta_trained), "--output", str(output), "--runner", "pool",
            "--workers", "1", "--no-tracking", *settings(QUICK), *more]  # fmt: skip


def stored(output: Path) -> dict[str, Any]:
    """The cells' files without times."""
    found = {}
    for path in sorted((output / "cells").glob("*.json")):
        found[path.name] = json.loads(path.read_text())
        del found[path.name]["result"]["seconds"]
    return found


def test_table_json_and_going_on(
    tmp_path: Path, meta_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    assert main(sweep(output, meta_trained)) == 0
    printed = capsys.readouterr()
    for part in ("demo-species (synthetic)", "meta", "scratch", "meta minus it, paired", "±"):
        assert part in printed.out, part
    assert "demo-species, 5 shots, scratch, draw 1: F1 " in printed.err
    assert "sweep: 4/4" in printed.err
    told_json = run_json(sweep(output, meta_trained, "--draws", "0-2"), capsys)
    assert (told_json["cells"], told_json["reused"], told_json["failed"]) == (6, 4, [])
    assert [row["method"] for row in told_json["rows"]] == ["meta", "scratch"]
    assert set(told_json["rows"][0]["draws"]) == {"0", "1", "2"}
    assert json.loads((output / "report.json").read_text()) == told_json
    assert (output / "shots-demo-species.png").is_file()
    line = refused(sweep(output, meta_trained, "--seed", "3"), capsys)
    assert "comes from other settings (seed: 0 there, 3 now)" in line


def test_a_checkpoint_of_ones_own_name_and_the_crf(
    tmp_path: Path, meta_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["sweep", "--targets", "demo-species", "--shots", "5", "--draws", "0",
               "--output", str(tmp_path / "out"), "--runner", "pool", "--workers", "1",
               "--no-tracking", *settings(QUICK)]  # fmt: skip
    result = run_json([*command, "--methods", f"mine={meta_trained},crf"], capsys)
    assert [row["method"] for row in result["rows"]] == ["mine", "crf"]
    assert result["checkpoints"] == {"mine": str(meta_trained / "checkpoint")}
    assert result["rows"][1]["f1"]["mean"] > 0
    result = run_json([*command, "--methods", "crf"], capsys)  # without any checkpoint
    assert (result["reused"], result["checkpoint"]) == (1, "")
    assert "named twice" in refused([*command, "--methods", "a=x,a=y"], capsys)
    assert "holds no model" in refused([*command, "--methods", f"a={tmp_path}"], capsys)


def test_a_failed_cell_is_told_and_the_table_shown(
    tmp_path: Path, meta_trained: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    tuned_names = tuning.tuned_names

    def failing(learner: Any, tune: str) -> tuple[str, ...]:
        if tune == "all":
            raise RuntimeError("no luck")
        return tuned_names(learner, tune)

    monkeypatch.setattr(cells, "tuned_names", failing)
    output = tmp_path / "out"
    command = sweep(output, meta_trained, "--tune", "basic")
    assert main(command) == 1
    printed = capsys.readouterr()
    assert "0 of 2" in printed.out
    assert "failed: demo-species, 5 shots, scratch, draw 0 (2 attempts): RuntimeError: no luck" in (
        printed.out
    )
    assert "failed, to be tried again" in printed.err
    assert printed.err.rstrip().endswith("the same command tries them again")
    assert "no luck" in (output / "failed" / "demo-species-5-scratch-0.txt").read_text()
    monkeypatch.undo()
    assert run_json(command, capsys)["reused"] == 2


def test_mistakes_are_one_line_and_leave_nothing(
    tmp_path: Path, meta_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def error(*more: str) -> str:
        return refused(sweep(tmp_path / "out", meta_trained, *more), capsys)

    assert "write for example 0-4,7" in error("--draws", "zero")
    assert "method 'anil' is unknown" in error("--methods", "anil")
    assert "nowhere" in error("--targets", "nowhere")
    assert "did you mean adapt.epochs?" in error("--set", "adapt.epoch=1")
    assert "meta-trained on" in error("--targets", "demo-drugs")
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    assert "holds other files" in error()


def test_killed_in_the_middle_it_goes_on(
    tmp_path: Path, meta_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    # Long enough to be met by the signal; the steps are few, so the draws are many.
    grid = ["--draws", "0-7", "--workers", "2"]
    deadline = time.monotonic() + 300
    with start(sweep(output, meta_trained, *grid), tmp_path) as process:
        while len(list((output / "cells").glob("*.json"))) < 3:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)  # the driver alone; its workers must not go on
        process.communicate(timeout=300)
        assert process.returncode == -signal.SIGKILL
        while _group_lives(process.pid):
            assert time.monotonic() < deadline, "a worker outlived the sweep"
            time.sleep(0.05)
    before = stored(output)
    assert 3 <= len(before) < 16
    stamps = {name: (output / "cells" / name).stat().st_mtime_ns for name in before}
    result = run_json(sweep(output, meta_trained, *grid, "--workers", "1"), capsys)
    assert (result["reused"], result["cells"]) == (len(before), 16)
    assert {name: (output / "cells" / name).stat().st_mtime_ns for name in before} == stamps
    run_json(sweep(tmp_path / "whole", meta_trained, "--draws", "0-7"), capsys)
    assert stored(output) == stored(tmp_path / "whole")


def _group_lives(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_first_target_may_be_a_setting(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text("targets: [a, b]\nadapt: {lr: 1}\n")
    assert first_target(None, file) == "a"
    assert first_target(None, file, ("targets=[c.conll]", "crf.c1=0.1")) == "c.conll"
    assert first_target(("d",), file, ("targets=[c]",)) == "d"
    for nothing in ((), ("targets=[]",)):
        with pytest.raises(UserError, match="no target is named"):
            first_target(None, None, nothing)
    file.write_text("targets: a.conll\n")
    with pytest.raises(UserError, match=r"sweep.yaml: targets='a.conll' is not of type tuple"):
        first_target(None, file)


def test_markup_in_a_name_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    table = comparison_table(("target", "F1"), [("[red]x", "1")], "F1")
    Terminal(width=80).print(table)
    assert " [red]x " in capsys.readouterr().out
