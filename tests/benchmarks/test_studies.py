"""What a study declares, and the table of its runs with figures worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.studies import __main__ as studies
from benchmarks.studies import table
from benchmarks.studies.compression import is_compression
from benchmarks.studies.declared import FOLDER, Study, names, read
from benchmarks.studies.few_shot import is_few_shot
from benchmarks.studies.kept import done
from benchmarks.studies.running import resumed
from fewshot_metalstm.config import resolve
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.nn.cell_config import check_cell

SUPERVISED = [n for n in names() if not is_few_shot(n) and not is_compression(n)]
TEXT = """
title: "A title"
about: What it is.
task: digits-69
against: one
seeds: [0, 1]
settings: {train.epochs: 2, train.clip: 1}
rows:
  one: {set: {reader.pool: last}, about: the first}
  two: {set: {train.clip: 3}, published: 98.5}
  three: {group: further, seeds: [1]}
"""


def study(folder: Path, text: str = TEXT) -> Study:
    (folder / "s.yaml").write_text(text)
    return read("s", folder)


def result(value: float, seconds: float = 10.0, skipped: int = 0) -> Mapping[str, Any]:
    scores = {"train": {"loss": 0.5, "accuracy": 90.0}, "test": {"loss": 0.4, "accuracy": value}}
    return {
        "tasks": {"digits-69": scores}, "figure": "accuracy", "epoch": 2, "steps": 8,
        "skipped_steps": skipped, "parameters": 1234, "seconds": seconds,
    }  # fmt: skip


def test_runs_are_rows_with_seeds_seed_by_seed(tmp_path: Path) -> None:
    made = study(tmp_path)
    runs = [(run.row.name, run.seed) for run in made.runs]
    assert runs == [("one", 0), ("two", 0), ("one", 1), ("two", 1), ("three", 1)]
    two = made.runs[1]
    assert dict(two.row.settings) == {"train.epochs": 2, "train.clip": 3}
    assert two.arguments() == [
        "train", "--task", "digits-69", "--seed", "0", "--set=train.epochs=2", "--set=train.clip=3",
    ]  # fmt: skip
    changed = study(tmp_path, TEXT.replace("clip: 3", "clip: 4"))
    same = [a.digest == b.digest for a, b in zip(made.runs, changed.runs, strict=True)]
    assert same == [True, False, True, False, True]


@pytest.mark.parametrize(("old", "new", "line"), [
    ("title:", "titel:", "the study has titel; use about, against"),
    ("about: the first", "abut: the first", "row one has abut; use about, group"),
    ("against: one", "against: four", "against four, which is none"),
    ("task: digits-69", "task: ''", "has no task"),
])  # fmt: skip
def test_what_is_declared_wrong_is_one_line(tmp_path: Path, old: str, new: str, line: str) -> None:
    with pytest.raises(UserError, match=line):
        study(tmp_path, TEXT.replace(old, new))
    with pytest.raises(UserError, match="there is no study 'none'"):
        read("none", tmp_path)


@pytest.mark.parametrize("name", SUPERVISED)
def test_every_study_here_has_settings_that_are(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEWSHOT_METALSTM_DATA", "corpora")
    made = read(name, FOLDER)
    for row in made.rows:
        run = next(run for run in made.runs if run.row is row)
        arguments = run.arguments(dict.fromkeys(run.needs, "folder"))
        task = arguments[2]
        assert "{" not in task
        kind = registry.of_target(task, None)
        settings = kind.supervised_settings()
        assert settings is not None
        given = [text.removeprefix("--set=") for text in arguments if text.startswith("--set=")]
        config = resolve(settings, None, given, {})
        if kind.cell:
            section = kind.cell.removesuffix(".kind").split(".")
            lstm: Any = config
            for part in section:
                lstm = getattr(lstm, part)
            check_cell(lstm)


def test_the_table_has_means_differences_and_what_was_not_run(tmp_path: Path) -> None:
    made = study(tmp_path)
    for run, value in zip(made.runs[:3], (90.0, 92.0, 91.0), strict=True):
        table.add(made, run, result(value, skipped=int(value == 92)), tmp_path)
    table.add(made, made.runs[4], {"failed": "error: the loss is not finite"}, tmp_path)
    one, two, three = table.lines(made, tmp_path)
    assert one.test is not None
    assert (one.test.mean, one.difference, one.seconds, one.parameters) == (90.5, None, 10.0, 1234)
    assert two.difference is not None
    assert (two.difference.mean, two.difference.half) == (2.0, None)
    assert two.notes == ("1 steps without a finite gradient", "not run: seeds 1")
    assert (three.test, three.notes) == (None, ("seed 1: error: the loss is not finite",))
    text = table.markdown(made, [one, two, three], tmp_path)
    assert "| one | the first | 90.50 ± 6.35 | - | 2 | 1,234 | 10 | - |  |" in text
    assert "| two | two | 92.00 | +2.00 | 1 | 1,234 | 10 | 98.5 |" in text
    assert "## Further" in text
    assert "4 of 5 runs." in text
    # A run that is declared otherwise is not done any more, and its line goes.
    changed = study(tmp_path, TEXT.replace("clip: 3", "clip: 4"))
    table.add(changed, changed.runs[1], result(50.0), tmp_path)
    assert len(done("s", tmp_path)) == 4
    assert table.lines(changed, tmp_path)[1].values == {0: 50.0}
    table.write(changed, tmp_path)
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    assert "| two | two | 50.00 | -40.00 |" in (tmp_path / "s.md").read_text()


def test_a_run_that_is_there_is_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = study(tmp_path)
    calls: list[list[str]] = []

    class Done:
        returncode, stderr = 2, "note: x\nerror: the loss is not finite\n"

    def run(command: list[str], **_: Any) -> Done:
        calls.append(command)
        return Done()

    monkeypatch.setattr("subprocess.run", run)
    folder = tmp_path / "runs" / made.runs[0].folder
    failed = {"failed": "error: the loss is not finite"}
    assert studies.result_of(made.runs[0], folder) == failed
    assert studies.result_of(made.runs[0], folder) == failed
    assert len(calls) == 1
    assert calls[0][-3:] == ["--output", str(folder), "--quiet"]
    Done.returncode = 1
    with pytest.raises(UserError, match="ended with 1"):
        studies.result_of(replace(made.runs[0], seed=5), tmp_path / "runs" / "other")


def test_a_task_of_files_needs_the_folder_of_the_corpora(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = study(tmp_path, TEXT.replace("digits-69", "train={data}/a.txt"))
    monkeypatch.setenv("FEWSHOT_METALSTM_DATA", "/corpora")
    run = made.runs[0]
    digest = run.digest
    assert run.arguments()[2] == "train=/corpora/a.txt"
    monkeypatch.setenv("FEWSHOT_METALSTM_DATA", "/elsewhere")
    assert run.digest == digest
    monkeypatch.delenv("FEWSHOT_METALSTM_DATA")
    with pytest.raises(UserError, match="set FEWSHOT_METALSTM_DATA to the folder"):
        run.arguments()


def test_a_row_that_needs_a_folder_is_run_when_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = TEXT.replace("reader.pool: last", "vectors.file: '{data}/v', vectors.encoder: '{cove}'")
    monkeypatch.setenv("FEWSHOT_METALSTM_DATA", "/corpora")
    made = study(tmp_path, text)
    assert [run.needs for run in made.runs] == [("cove",), (), ("cove",), (), ()]
    monkeypatch.setattr(studies, "read", lambda name: made)
    monkeypatch.setattr(studies, "done", lambda name: {})
    assert studies.main(["s", "--dry"]) == 0
    told = capsys.readouterr().out
    assert told.count("row one is not run: it needs --given cove=FOLDER") == 1
    assert told.count("fewshot-metalstm train") == 3
    assert studies.main(["s", "--dry", "--given", f"cove={tmp_path}"]) == 0
    told = capsys.readouterr().out
    assert told.count("fewshot-metalstm train") == 5
    assert f"--set=vectors.file=/corpora/v --set=vectors.encoder={tmp_path}" in told
    for wrong, why in (("cove", "is not NAME=FOLDER"), ("cove=/none", "there is no such folder")):
        assert studies.main(["s", "--dry", "--given", wrong]) == 2
        assert why in capsys.readouterr().err


FAMILY = """
title: "A family"
tasks: {a: {x: data-x, y: data-y}, b: {z: data-z}}
seeds: [0]
rows:
  one: {set: {train.clip: 1}, about: single, published: {x: 90.5}}
  all: {together: true, about: jointly}
"""


def test_a_study_of_several_tasks_has_a_line_a_task(tmp_path: Path) -> None:
    made = study(tmp_path, FAMILY)
    calls = [run.arguments()[1:7] for run in made.runs]
    assert [run.called for run in made.runs] == [
        "one on x, seed 0", "one on y, seed 0", "one on z, seed 0", "all on x+y, seed 0",
        "all on z, seed 0",
    ]  # fmt: skip
    assert calls[3][:4] == ["--task", "data-x", "--task", "data-y"]
    assert len({run.folder for run in made.runs}) == len(made.runs)
    for run, values in zip(made.runs[:4], ((80.0,), (70.0,), (60.0,), (81.0, 73.0)), strict=True):
        each = {name: {"train": {"loss": 1.0, "f1": 90.0}, "test": {"f1": value}}
                for (name, _), value in zip(run.tasks, values, strict=True)}  # fmt: skip
        found = {**result(0.0), "figure": "f1", "tasks": each}
        table.add(made, run, found, tmp_path)
    table.write(made, tmp_path)
    text = (tmp_path / "s.md").read_text()
    assert "| task | single | jointly |" in text
    assert "| x | 80.00 (90.5) | 81.00 |" in text
    assert "| z | 60.00 | not run |" in text
    assert "| **mean** | 70.00 | - |" in text, "no mean over some of the tasks"
    assert "| seconds | 30 | 10 |" in text
    assert "4 of 5 runs." in text
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_goes_on_or_begins_anew(tmp_path: Path) -> None:
    assert resumed(tmp_path / "none") == []
    begun = tmp_path / "begun"
    begun.mkdir()
    (begun / "targets.json").write_text("{}")  # ended before its settings were written
    assert resumed(begun) == []
    assert not begun.exists()
    begun.mkdir()
    (begun / "config.yaml").write_text("seed: 1\n")
    assert resumed(begun) == ["--resume"]
    assert begun.exists()
