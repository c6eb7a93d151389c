"""Peers in studies: they learn the items that `train` would, and their row is as any other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.studies import __main__ as studies
from benchmarks.studies import peers, table
from benchmarks.studies.declared import read
from fewshot_metalstm.errors import UserError

TEXTS = [f"a {word} thing number {i}\t{label}\n" for i in range(20)
         for word, label in (("good", "yes"), ("bad", "no"))]  # fmt: skip
TAGGED = "".join(f"Anna B-X\nsaw O\nthing{i} O\n\n" for i in range(20))


def report(folder: Path) -> Any:
    return json.loads((folder / "report.json").read_text())


@pytest.fixture
def texts(tmp_path: Path) -> str:
    (tmp_path / "train.tsv").write_text("text\tlabel\n" + "".join(TEXTS))
    (tmp_path / "test.tsv").write_text("text\tlabel\n" + "".join(TEXTS[:6]))
    return f"train={tmp_path}/train.tsv,test={tmp_path}/test.tsv"


def test_words_tell_classes_apart(texts: str, tmp_path: Path) -> None:
    peers.run("tfidf", [texts], ["train.hold_out=0"], 0, tmp_path / "out")
    found = report(tmp_path / "out")
    assert found["figure"] == "accuracy"
    (scores,) = found["tasks"].values()
    assert scores["test"] == {"accuracy": 100.0}


def test_a_peer_learns_from_the_items_that_train_would(texts: str, tmp_path: Path) -> None:
    # One text alone is of one class, so that half of the test split is right.
    with pytest.raises(ValueError, match="at least 2 classes"):
        peers.run("tfidf", [texts], ["train.hold_out=0", "train.items=1"], 0, tmp_path / "out")


def test_a_crf_finds_names(tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / f"{name}.conll").write_text(TAGGED)
    source = f"train={tmp_path}/train.conll,test={tmp_path}/test.conll"
    peers.run("crf", [source], ["train.items=5"], 0, tmp_path / "out")
    (scores,) = report(tmp_path / "out")["tasks"].values()
    assert scores["test"] == {"f1": 100.0}


def test_n_grams_know_what_repeats(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abcdefgh " * 400)
    source = f"train={tmp_path}/a.txt,test={tmp_path}/a.txt"
    with pytest.raises(UserError):
        peers.run("crf", [source], [], 0, tmp_path / "out")
    peers.run("ngram", [source], ["train.hold_out=0"], 0, tmp_path / "out")
    (scores,) = report(tmp_path / "out")["tasks"].values()
    assert 0 < scores["test"]["bpc"] < 0.1


def test_what_is_no_peer_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no peer 'svm'; there are crf, tfidf"):
        peers.run("svm", ["digits-69"], [], 0, tmp_path)
    with pytest.raises(UserError, match="the peer crf is for tagging, and digits-69 is digits"):
        peers.run("crf", ["digits-69"], [], 0, tmp_path)


def test_a_row_of_a_peer_is_run_and_told_as_any_other(
    texts: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "s.yaml").write_text(
        f"title: T\ntask: '{texts}'\nseeds: [0]\nrows:\n  one: {{peer: tfidf}}\n  two: {{}}\n"
    )
    made = read("s", tmp_path)
    one, two = made.runs
    assert one.digest != two.digest
    table.add(made, one, studies.result_of(one, tmp_path / "runs"), tmp_path)
    text = table.markdown(made, table.lines(made, tmp_path), tmp_path)
    assert "| one | one | 100.00 | - | 1 | - |" in text
    monkeypatch.setattr(studies, "read", lambda name: made)
    monkeypatch.setattr(studies, "done", lambda name: {})
    assert studies.main(["s", "--dry"]) == 0
    assert "peer tfidf: train --task train=" in capsys.readouterr().out
