"""Studies of compression: what is declared and run, and the table of a model made smaller."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.studies import compression
from benchmarks.studies.compression import CompressionStudy, is_compression, read
from benchmarks.studies.declared import FOLDER, names
from fewshot_metalstm.cli.compress import compress
from fewshot_metalstm.errors import UserError

OTHER = "title: O\ntask: digits-69\nseeds: [0, 1]\nrows: {one: {set: {train.clip: 1}}}\n"
TEXT = """
title: "A title"
about: What it is.
model: {study: o, row: one}
lower: true
digits: 3
options: --test ptb
rows:
  eight: {options: --sparsity 0 --int8, about: in 8 bits}
  half: {options: --sparsity 0.5}
"""


def study(folder: Path, text: str = TEXT) -> CompressionStudy:
    (folder / "o.yaml").write_text(OTHER)
    (folder / "s.yaml").write_text(text)
    assert is_compression("s", folder)
    assert not is_compression("o", folder)
    return read("s", folder)


def report(after: float) -> str:
    return json.dumps({
        "before": 1.5, "after": after, "non_zero": 1200, "columns": 64, "packed_columns": 16,
        "utilisation": 0.9, "bytes_before": {"all": 2_000_000}, "steps": 3,
        "bytes_after": {"all": 500_000}, "latency": {"batch": 64, "dense_us": 90.0,
                                                     "packed_us": 30.0},
    })  # fmt: skip


def test_a_run_is_anew_where_its_options_or_its_model_are(tmp_path: Path) -> None:
    first = study(tmp_path)
    assert [run.options for run in first.runs] == [
        ("--test", "ptb", "--sparsity", "0", "--int8"), ("--test", "ptb", "--sparsity", "0.5"),
    ]  # fmt: skip
    digests = [run.digest for run in first.runs]
    second = [run.digest for run in study(tmp_path, TEXT.replace("0.5", "0.6")).runs]
    assert [a == b for a, b in zip(digests, second, strict=True)] == [True, False]
    (tmp_path / "o.yaml").write_text(OTHER.replace("clip: 1", "clip: 2"))
    third = [run.digest for run in read("s", tmp_path).runs]
    assert not set(digests) & set(third)
    adapted = study(tmp_path, TEXT.replace("{study: o, row: one}", "{adapt: --target linnaeus}"))
    assert not set(digests) & {run.digest for run in adapted.runs}


@pytest.mark.parametrize(("old", "new", "line"), [
    ("row: one", "row: two", "is of two, which is no row of o"),
    ("study: o,", "studie: o,", "the model has studie"),
    ("about: in 8 bits", "abut: in 8 bits", "row eight has abut"),
    ("rows:", "lines:", "the study has lines"),
])  # fmt: skip
def test_what_is_declared_wrong_is_one_line(tmp_path: Path, old: str, new: str, line: str) -> None:
    with pytest.raises(UserError, match=line):
        study(tmp_path, TEXT.replace(old, new))


def test_what_is_missing_is_run_once_with_the_model_of_the_other_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = study(tmp_path)
    calls: list[list[str]] = []

    def command(arguments: Sequence[str], folder: Path) -> None:
        calls.append(list(arguments))
        folder.mkdir(parents=True)
        (folder / "report.json").write_text(report(1.5 + len(calls) / 100))

    monkeypatch.setattr(compression, "command", command)
    monkeypatch.setattr(compression, "read", lambda name: made)
    runs = tmp_path / "runs"
    with pytest.raises(UserError, match="s needs one, seed 0 of o; run that study first"):
        compression.do("s", runs, time.monotonic() + 60, results=tmp_path)
    assert not isinstance(made.made_by, tuple)
    model = runs / "o" / made.made_by.folder
    model.mkdir(parents=True)
    (model / "report.json").write_text("{}")
    compression.do("s", runs, time.monotonic() + 60, results=tmp_path)
    assert [call[:4] for call in calls] == [["compress", str(model), "--test", "ptb"]] * 2
    text = (tmp_path / "s.md").read_text()
    assert "|  | as it was | 1.500 | - | 64 |  |  | 2.00 | 90 |" in text
    assert "| eight | in 8 bits | 1.510 | +0.010 | 16 | 1,200 | 90% | 0.50 | 30 |" in text
    assert "| half | half | 1.520 | +0.020 |" in text
    assert "2 of 2 runs. Less is better." in text
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    capsys.readouterr()
    compression.do("s", runs, time.monotonic() + 60, results=tmp_path)
    assert "0 of 2 runs to do" in capsys.readouterr().out
    # What the command refuses is told in the table.
    changed = study(tmp_path, TEXT.replace("0.5", "0.6"))
    folder = runs / "s" / changed.runs[1].folder
    folder.with_name(f"{folder.name}.failed.txt").write_text("error: nothing to do\n")
    monkeypatch.setattr(compression, "read", lambda name: changed)
    compression.do("s", runs, time.monotonic() + 60, results=tmp_path)
    assert "| half | half | error: nothing to do | - |" in (tmp_path / "s.md").read_text()


@pytest.mark.parametrize("name", [name for name in names() if is_compression(name)])
def test_what_is_declared_here_is_what_the_command_takes(name: str) -> None:
    for run in read(name, FOLDER).runs:
        context = compress.make_context("compress", [".", *run.options, "--output", "out"])
        assert context.params["test"]
