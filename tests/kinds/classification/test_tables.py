"""Tables and JSON of the user's own, well formed and not."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.classification.own_files import load_own
from fewshot_metalstm.kinds.classification.tables import read_rows, read_texts
from tests.kinds.classification.builders import write_csv


def rows(path: Path, **options: Any) -> list[tuple[str, str | None, int]]:
    return [(r.text, r.label, r.line) for r in read_rows(path, Counter(), **options)]


def test_columns_are_guessed_and_cells_may_hold_line_breaks(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [("ID", "Review", "Class"), ("7", "one\ntwo", "x"),
                                          ("8", "three, four", "y")])  # fmt: skip
    assert rows(path) == [("one\ntwo", "x", 2), ("three, four", "y", 4)]
    assert [row.id for row in read_rows(path, Counter())] == ["7", "8"]


@pytest.mark.parametrize(("name", "text"), [
    ("a.tsv", "text\tlabel\na b\tx\n"), ("a.csv", "label;text\nx;a b\n"),
    ("a.csv", "\n \r\nlabel;text\nx;a b\n"),
    ("a.jsonl", '{"text": "a b", "label": "x"}\n\n'), ("a.json", '[{"text": "a b", "label": "x"}]'),
])  # fmt: skip
def test_forms(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    assert [(t, label) for t, label, _ in rows(tmp_path / name)] == [("a b", "x")]


def test_marks_that_are_none_around_cells_of_a_tsv_are_text(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text('text\tlabel\n"Hello there\tx\na 5" pipe\ty\n"Oh!" he said\tx\n', "utf-8")
    assert rows(path) == [
        ('"Hello there', "x", 2), ('a 5" pipe', "y", 3), ('"Oh!" he said', "x", 4),
    ]  # fmt: skip


def test_a_long_text_in_a_cell(tmp_path: Path) -> None:
    text = "word " * 40_000
    path = write_csv(tmp_path / "a.csv", [("text", "label"), (text, "x")])
    assert rows(path) == [(text, "x", 2)]
    (tmp_path / "b.csv").write_text('label,text\nx,say "a" b\n', "utf-8")  # marks inside a text
    assert rows(tmp_path / "b.csv") == [('say "a" b', "x", 2)]


def test_columns_may_be_named(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [("text", "note", "stars"), ("a", "b c", "5")])
    assert rows(path, text_column="note", label_column="stars") == [("b c", "5", 2)]
    (tmp_path / "a.jsonl").write_text('{"note": "b c", "stars": 5}', "utf-8")
    named = {"text_column": "note", "label_column": "stars"}
    assert rows(tmp_path / "a.jsonl", **named) == [("b c", "5", 1)]


@pytest.mark.parametrize(("name", "text", "said"), [
    ("a.csv", "words,label\na,x\n", "a.csv:1: has no column of texts that is known"),
    ("a.csv", "text,stars\na,5\n", "has no column of labels that is known"),
    ("a.csv", "text,label\na,b,x\n", "a.csv:2: has 3 cells where the header has 2"),
    ("a.csv", "text,label,label\n", "names the column 'label' twice"),
    ("a.csv", "", "a.csv: is empty"),
    ("a.csv", 'label,text\nx,"a b\ny,c d\nx,e\n', "a.csv:2: opens a quotation mark that is closed"),
    ("a.csv", 'label,text\nx,"a b\ny",c d\n', "a.csv:2: has 3 cells where the header has 2, as a "
     "quotation mark that it opens is closed in line 3; close it, or write a mark"),
    ("a.tsv", 'label\ttext\nx\t"a b\ny\n', "a.tsv:2: opens a quotation mark that is closed"),
    ("a.csv", "text,label\n" + "a" * (2**24 + 1), "a.csv:2: has a cell of more than 16 MiB"),
    ("a.csv", "text,label\n", "holds no text with a label"),
    ("a.jsonl", '{"text": "a"', "a.jsonl:1: is not JSON"),
    ("a.jsonl", '["a", "x"]', "a.jsonl:1: is no object"),
    ("a.jsonl", '{"text": "a", "label": ["x"]}', "'label' is no single label"),
    ("a.jsonl", '{"text": 1, "label": "x"}', "'text' is no text"),
    ("a.jsonl", "[" * 100_000, "nested too deeply"),
    ("a.jsonl", '\n{"text": "a", "label": NaN}', "a.jsonl:2: 'label' is NaN, which is no label"),
    ("a.jsonl", '{"text": "a", "label": 1e999}', "'label' is Infinity, which is no label"),
    ("a.jsonl", '\n{"text": "\\ud800", "label": "x"}', "a.jsonl:2: holds a lone surrogate"),
    ("a.json", '[{"text": "a", "label": "\\udc00"}]', "a.json: holds a lone surrogate"),
    ("a.jsonl", '{"text": "a", "label": "x", "id": "\\ud800"}', "holds a lone surrogate"),
    ("a.json", "{}", "is no list of objects"),
    ("a.json", "[]", "holds no object"),
    ("a.txt", "a\n", "is no table or JSON of texts and labels"),
])  # fmt: skip
def test_bad_files_are_refused_in_a_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(UserError) as caught:
        load_own(str(tmp_path / name))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "text"), [
    ("a.csv", "text,label\na, x \nb,\" \"\n"),
    ("a.jsonl", '{"text": "a", "label": " x\\t"}\n{"text": "b", "label": " "}\n'),
])  # fmt: skip
def test_white_space_around_a_label_is_none_of_it(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    assert rows(tmp_path / name) == [
        ("a", "x", 2 - (name == "a.jsonl")),
        ("b", "", 3 - (name == "a.jsonl")),
    ]


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [("text", "label"), ("a", "x")])
    with pytest.raises(
        UserError, match=r"no column 'rating' \(it has 'text', 'label'\); .*--label"
    ):
        rows(path, label_column="rating")
    with pytest.raises(UserError, match="cannot be text and label at once"):
        rows(path, text_column="label")


def test_texts_alone_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\n two \n", "utf-8")
    assert [(r.text, r.line) for r in read_texts(tmp_path / "a.txt", Counter())] == [
        ("one", 1), (" two ", 3)
    ]  # fmt: skip
    (tmp_path / "a.jsonl").write_text('{"text": "one"}', "utf-8")
    assert [r.text for r in read_texts(tmp_path / "a.jsonl", Counter())] == ["one"]
    with pytest.raises(UserError, match="has no columns"):
        list(read_texts(tmp_path / "a.txt", Counter(), "text"))


WHOLE = {
    ".csv": b'text,label\n"one, \xc3\xa9",x\ntwo,y\n',
    ".tsv": b"text\tlabel\none\tx\ntwo\ty\n",
    ".jsonl": b'{"text": "one", "label": "x"}\n{"text": "two", "label": "y"}\n',
    ".json": json.dumps([{"text": "one", "label": "x"}]).encode(),
}


@tries(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    suffix=st.sampled_from(sorted(WHOLE)),
    at=st.integers(0, 60),
    cut=st.integers(0, 6),
    put=st.binary(max_size=6),
)
def test_damaged_files_are_read_or_refused(
    tmp_path: Path, suffix: str, at: int, cut: int, put: bytes
) -> None:
    data = WHOLE[suffix]
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data[:at] + put + data[at + cut :])
    said = ""
    try:
        found = load_own(str(path))
    except UserError as error:
        said = str(error)
    assert said or found.sizes["train"] == len(found.splits["train"].labels) > 0
    assert "\n" not in said
