"""A user's own files as a task."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.kinds.classification.decoding import OTHER_ENCODING
from fewshot_metalstm.kinds.classification.own_files import (
    NO_LABEL,
    ONCE,
    TWO_LABELS,
    load_own,
    looks_so,
)
from fewshot_metalstm.kinds.classification.reviews import EMPTY
from fewshot_metalstm.kinds.classification.tasks import check_learnable
from tests.kinds.classification.builders import own_table, write_csv


def folder_of_classes(folder: Path) -> Path:
    for name, text in (("a/1", "one"), ("a/2", "two"), ("b/1", "three")):
        path = folder / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def test_what_is_left_out_or_odd_is_counted(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "my.csv", [
        ("text", "label"), ("good", "x"), ("good", "y"), ("  ", "x"), ("bad", ""), ("so", "x"),
        ("once", "z"), ("more", "y"),
    ])  # fmt: skip
    path.write_bytes(path.read_bytes() + b"caf\xe9,x\n")
    task = load_own(str(path))
    assert (task.name, task.classes, task.sizes) == ("my", ("x", "y", "z"), {"train": 6})
    assert task.notes == {EMPTY: 1, NO_LABEL: 1, ONCE: 1, TWO_LABELS: 1, OTHER_ENCODING: 1}


def test_a_text_with_three_labels_counts_once(tmp_path: Path) -> None:
    rows = [("good", "x"), ("good", "y"), ("good", "z"), ("bad", "x"), ("so", "y"), ("up", "z")]
    path = write_csv(tmp_path / "my.csv", [("text", "label"), *rows])
    assert load_own(str(path)).notes == {TWO_LABELS: 1}


def test_files_by_split_share_their_classes(tmp_path: Path) -> None:
    train, test = own_table(tmp_path / "train.csv"), own_table(tmp_path / "test.csv", 4, 5)
    for source in (f"train={train},test={test}", str(tmp_path)):
        task = load_own(source)
        assert (task.classes, task.sizes) == (("bad", "good"), {"train": 16, "test": 4})
        assert task.splits["test"].labels.tolist() == [0, 1, 0, 1]


def test_a_folder_with_a_folder_a_class(tmp_path: Path) -> None:
    task = load_own(str(folder_of_classes(tmp_path / "mine")))
    assert (task.classes, task.sizes) == (("a", "b"), {"train": 3})
    assert task.splits["train"].texts == ("one", "two", "three")
    folder_of_classes(tmp_path / "both" / "train")
    folder_of_classes(tmp_path / "both" / "test")
    assert load_own(str(tmp_path / "both")).sizes == {"train": 3, "test": 3}


def test_what_cannot_be_learned_from_is_refused(tmp_path: Path) -> None:
    one = write_csv(tmp_path / "one.csv", [("text", "label"), ("a", "x"), ("b", "x")])
    with pytest.raises(UserError, match="one: all texts have the label 'x'"):
        check_learnable(load_own(str(one)))
    two = write_csv(tmp_path / "two.csv", [("text", "label"), ("a", "x"), ("b", "y")])
    with pytest.raises(UserError, match="no text of the train split has the label 'y'"):
        check_learnable(load_own(f"train={one},test={two}"))
    for source, said in (("nowhere", "no such file"), (f"train={tmp_path / 'no.csv'}", "no such")):
        with pytest.raises(UserError, match=said):
            load_own(source)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no table named train"):
        load_own(str(tmp_path / "empty"))


def test_a_pipe_is_not_looked_at(tmp_path: Path) -> None:
    pipe = tmp_path / "mine.csv"
    os.mkfifo(pipe)
    for source in (str(pipe), f"train={pipe}"):
        with pytest.raises(UserError, match=r"mine.csv: is no file but a pipe .*; .* --kind"):
            registry.of_target(source)
        assert registry.of_target(source, "classification").name == "classification"


def test_the_look_of_files_says_the_kind(tmp_path: Path) -> None:
    mine = own_table(tmp_path / "mine.csv")
    assert registry.of_target(str(mine)).name == "classification"
    assert registry.of_target(f"train={mine},test={mine}").name == "classification"
    assert registry.of_target(str(mine), "tagging").name == "tagging"
    assert looks_so(folder_of_classes(tmp_path / "classes"))
    long = tmp_path / "long.jsonl"
    long.write_text(json.dumps({"text": "word " * 40_000, "label": "x"}) + "\n", "utf-8")
    assert looks_so(long)
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        table = tmp_path / f"{encoding}.csv"
        mark = "" if encoding == "utf-16" else "\ufeff"
        table.write_bytes((mark + "text,label\na,x\n").encode(encoding))
        assert looks_so(table)
    assert looks_so(write_csv(tmp_path / "stars.csv", [("text", "stars"), ("a", "5")]))
    (tmp_path / "below.csv").write_text("\n\ntext;label\na;x\n", "utf-8")
    assert looks_so(tmp_path / "below.csv")
    (tmp_path / "list.json").write_text('[ {"text": "a", "label": "x"}, 1', "utf-8")
    assert looks_so(tmp_path / "list.json")
    for name, text in (
        ("a.csv", "sentence,word,label\n1,x,O\n"), ("a.tsv", "text\tO\n"),
        ("a.jsonl", '{"text": "a", "label": [[0, 1, "X"]]}'),
        ("b.jsonl", '{"text": "a", "label": "x", "entities": []}'), ("a.txt", "text,label"),
        ("c.jsonl", "nothing"), ("a.json", "7"),
    ):  # fmt: skip
        (tmp_path / name).write_text(text, "utf-8")
        assert not looks_so(tmp_path / name), name
    (tmp_path / "brat" / "docs").mkdir(parents=True)
    for name in ("1.txt", "1.ann"):
        (tmp_path / "brat" / "docs" / name).write_text("a", "utf-8")
    assert not looks_so(tmp_path / "brat")
