"""Tagging a file: exact offsets, whole files or none."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.bulk import tagging
from fewshot_metalstm.kinds.tagging.bulk.records import Record
from fewshot_metalstm.kinds.tagging.bulk.tagging import tag_file, tag_records
from tests.kinds.tagging.bulk.builders import SETTINGS, article, capitals, job, plain, pubmed
from tests.kinds.tagging.tagger.builders import digests


def read_lines(path: Path) -> list[dict[str, Any]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    return [json.loads(line) for line in text.splitlines()]


@given(st.lists(st.text(max_size=60), max_size=5))
def test_a_mention_is_what_stands_at_its_offsets(texts: list[str]) -> None:
    records = [Record(str(i), text) for i, text in enumerate(texts)]
    for text, mentions in zip(texts, tag_records(capitals, records), strict=True):
        for mention in mentions:
            assert text[mention["start"] : mention["end"]] == mention["text"]
            assert mention["text"][0].isupper()


def test_mentions_of_several_tokens_and_sentences() -> None:
    text = "We saw E. coli. Then Mus musculus!"

    def tag(sentences: list[list[str]]) -> list[list[str]]:
        assert [words[0] for words in sentences] == ["We", "Then"]
        return [["O", "O", "B-Sp", "I-Sp", "E-Sp", "O"], ["O", "B-Sp", "E-Sp", "O"]]

    (mentions,) = tag_records(tag, [Record("1", text)])
    assert [(m["text"], m["start"], m["end"], m["type"]) for m in mentions] == [
        ("E. coli", 7, 14, "Sp"), ("Mus musculus", 21, 33, "Sp"),
    ]  # fmt: skip


def test_a_file_with_bad_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    title, abstract = "Mice & Men", "A <study> of Mice."
    data = pubmed(
        article("1", plain(title), plain(abstract)), article("2", "<oops"), article("3", "Rats")
    )
    source = tmp_path / "in.xml.gz"
    source.write_bytes(gzip.compress(data))
    todo = job(source, "pubmed", tmp_path / "out", ".jsonl.gz")
    report = tag_file(capitals, todo, replace(SETTINGS, with_text=True))
    assert (report.documents, report.mentions, report.bad) == (2, 5, 1)
    first, second = read_lines(todo.output)
    assert first["id"] == "1"
    assert first["text"] == f"{title}\n{abstract}"
    assert first["sections"] == {"title": [0, 10], "abstract": [11, 29]}
    assert [m["text"] for m in first["mentions"]] == ["Mice", "Men", "A", "Mice"]
    for mention in first["mentions"]:
        assert first["text"][mention["start"] : mention["end"]] == mention["text"]
    assert second["mentions"] == [{"start": 0, "end": 4, "type": "Cap", "text": "Rats"}]
    (bad,) = read_lines(todo.bad)
    assert (bad["file"], bad["record"], bad["id"]) == ("in.xml.gz", 2, "2")
    assert "not well-formed" in bad["reason"]
    before = digests(tmp_path / "out")
    # Neither the time nor the size of a block changes what is written.
    monkeypatch.setattr(tagging, "BLOCK_RECORDS", 1)
    tag_file(capitals, todo, replace(SETTINGS, with_text=True))
    after = digests(tmp_path / "out")
    del before["done/o.json"], after["done/o.json"]  # holds the seconds
    assert before == after


def test_nothing_is_left_of_a_file_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tagging, "BLOCK_RECORDS", 1)
    source = tmp_path / "in.xml"
    source.write_bytes(pubmed(article("1", "Rats"), article("2", "Cats"))[:-60])
    todo = job(source, "pubmed", tmp_path / "out")
    with pytest.raises(UserError, match="ends within article 2"):
        tag_file(capitals, todo, SETTINGS)

    def broken(sentences: list[list[str]]) -> list[list[str]]:
        if sentences[0] == ["Cats"]:
            raise MemoryError
        return [["O"]]

    source.write_bytes(pubmed(article("1", "Rats"), article("2", "Cats")))
    with pytest.raises(MemoryError):
        tag_file(broken, todo, SETTINGS)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    tag_file(capitals, todo, SETTINGS)
    assert not todo.bad.exists(), "no bad record, no report of them"
    assert {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()} == {
        "o.jsonl", "o.json",
    }  # fmt: skip


def test_a_record_with_half_a_character_costs_that_record(tmp_path: Path) -> None:
    lines = [
        r'{"id": "3d\ude00"}', r'{"id": "a\ud83d", "text": "Mice"}',
        r'{"id": 1, "text": "A \ud83d"}', r'{"id": "b", "text": "Mice"}',
        r'{"id": "\ud83d\ude00", "text": "Rats"}',
    ]  # fmt: skip
    source = tmp_path / "in.jsonl"
    source.write_text("\n".join(lines))
    todo = job(source, "jsonl", tmp_path / "out")
    report = tag_file(capitals, todo, SETTINGS)
    assert (report.documents, report.mentions, report.bad) == (2, 2, 3)
    assert [line["id"] for line in read_lines(todo.output)] == ["b", "\U0001f600"]
    half = "holds a lone surrogate, which is no character"
    assert [(e["record"], e["id"], e["reason"]) for e in read_lines(todo.bad)] == [
        (1, r"3d\ude00", "has no text"), (2, r"a\ud83d", half), (3, "1", half),
    ]  # fmt: skip


def test_a_file_whose_name_is_not_utf8(tmp_path: Path) -> None:
    source = tmp_path / "a\udcff.txt"
    try:
        source.write_text("Mice")
    except OSError:
        pytest.skip("this file system has names in UTF-8 alone")
    todo = job(source, "text", tmp_path / "out")
    assert tag_file(capitals, todo, SETTINGS).bad == 1
    (bad,) = read_lines(todo.bad)
    assert bad["file"] == r"a\udcff.txt"
