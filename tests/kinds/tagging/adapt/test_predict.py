"""Tagging text a window at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt import predict
from fewshot_metalstm.kinds.tagging.adapt.predict import (
    Predictor,
    TaggedSentence,
    guess,
    read_text,
    windows,
)
from fewshot_metalstm.kinds.tagging.corpora.text import split
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, save_model
from tests.kinds.tagging.tagger.builders import PLAIN, model


@pytest.fixture
def predictor(tmp_path: Path) -> Predictor:
    save_model(model(2, TAGGER), tmp_path / "tagger")
    return Predictor(tmp_path / "tagger", torch.device("cpu"))


def sentences(number: int) -> list[list[str]]:
    return [[*PLAIN[i % 7 : i % 7 + 4], f"w{i}", f"gene{i % 5}"] for i in range(number)]


def test_windows_keep_order_and_lose_nothing() -> None:
    items = ["a" * n for n in (3, 1, 5, 2, 2, 2, 1)]
    assert list(windows(items, str, 4)) == [["aaa", "a"], ["aaaaa"], ["aa", "aa"], ["aa", "a"]]
    assert list(windows([], str, 4)) == []
    assert list(windows(["aaaa"], str, 4)) == [["aaaa"]]


def test_items_are_taken_only_when_they_are_needed(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six tokens an item and windows of thirty: five items in memory, and never the rest."""
    monkeypatch.setattr(predict, "WINDOW", 30)
    taken = 0

    def endless() -> Iterator[tuple[list[str], None]]:
        nonlocal taken
        while True:
            taken += 1
            yield ["the", "cell", "was", f"w{taken}", "in", "."], None

    stream = predictor.stream(endless())
    assert taken == 0
    for given in range(1, 23):
        sentence = next(stream)
        assert sentence.tokens[3] == f"w{given}"
        assert len(sentence.tags) == 6
        assert taken == -(-given // 5) * 5


def test_tags_depend_neither_on_windows_nor_on_what_was_tagged_before(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = sentences(40)
    whole = predictor.tag(given)
    assert len({tag for tags in whole for tag in tags}) > 1, "something must be found"
    for window, known in ((1, 0), (50, 3), (10**6, 10**6)):
        monkeypatch.setattr(predict, "WINDOW", window)
        monkeypatch.setattr(predict, "KNOWN_WORDS", known)
        assert [s.tags for s in predictor.stream((t, None) for t in given)] == whole


def test_words_known_are_bounded(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "KNOWN_WORDS", 20)
    monkeypatch.setattr(predict, "WINDOW", 30)
    for _ in predictor.stream((tokens, None) for tokens in sentences(200)):
        assert len(predictor._table) <= 20 + 30


def test_a_file_in_windows_is_the_file_as_a_whole(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "\ufeff" + "\r\n".join(f"Gene{i} É in w{i}. The cell, 日 {i}!" for i in range(50))
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode())
    whole = list(predictor.file(path, "text"))
    assert [s.tokens for s in whole] == [s.tokens for s in split(text[1:])]
    mentions = [m for s in whole for m in s.mentions()]
    assert mentions
    for mention in mentions:
        assert text[1:][mention["start"] : mention["end"]] == mention["text"]
    monkeypatch.setattr(predict, "WINDOW", 25)
    monkeypatch.setattr(predict, "read_text", lambda path: read_text(path, piece=7))
    assert list(predictor.file(path, "text")) == whole


def test_mentions_of_columns_have_no_offsets() -> None:
    tokens, tags = ("E", ".", "coli", "ran"), ("B-S", "I-S", "E-S", "O")
    mention = {"type": "S", "tokens": [0, 3], "text": "E . coli"}
    assert TaggedSentence(tokens, tags).mentions() == [mention]
    sure = TaggedSentence(tokens, tags, confidences=(0.98765,))
    assert sure.mentions() == [mention | {"confidence": 0.9877}]


@pytest.mark.parametrize("form", ["text", "columns"])
def test_confidences_come_beside_the_same_tags(
    predictor: Predictor, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "a"
    ends = " " if form == "text" else "\n"
    path.write_text("\n".join(ends.join(tokens) + ends for tokens in sentences(20)))
    plain = list(predictor.file(path, form))
    sure = list(predictor.file(path, form, confidence=True))
    assert [(s.tokens, s.tags, s.source) for s in sure] == [
        (s.tokens, s.tags, s.source) for s in plain
    ]
    assert all(s.confidences is None for s in plain)
    mentions = [m for s in sure for m in s.mentions()]
    assert len(mentions) > 10
    assert all(0 <= m["confidence"] <= 1 for m in mentions)
    assert len({m["confidence"] for m in mentions}) > 5


@pytest.mark.parametrize("piece", [1, 2, 3, 100])
def test_text_that_is_not_utf8_is_named_with_its_line(tmp_path: Path, piece: int) -> None:
    path = tmp_path / "odd.txt"
    path.write_bytes("fine é\nfine 日\n".encode() + b"\xe6\x97x\n\n")
    with pytest.raises(UserError, match=r"odd\.txt:3"):
        list(read_text(path, piece))
    path.write_bytes("fine\n日".encode()[:-1])  # a character without its end
    with pytest.raises(UserError, match=r"odd\.txt:2"):
        list(read_text(path, piece))
    path.write_bytes(b"\xef\xbb\xbf" + "é日".encode())
    assert "".join(read_text(path, piece)) == "é日"
    with pytest.raises(UserError, match="cannot be read"):
        list(read_text(tmp_path / "nowhere.txt"))


def test_the_format_is_guessed_from_name_and_look(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for content, form in (
        ("a\tO\n", "columns"), ("a\nb\nc\nd\n", "columns"), ("a\nb\n", "text"), ("", "text"),
        ("a b\n" * 9, "text"), ("1\tA cell was seen.\n2\tIt was in a.\n", "text"),
    ):  # fmt: skip
        path.write_text(content, encoding="utf-8")
        assert guess(path) == form
    for name, form in (("x.conll", "columns"), ("x.TXT", "text")):
        (tmp_path / name).touch()
        assert guess(tmp_path / name) == form
    with pytest.raises(UserError, match="no such file"):
        guess(tmp_path / "nowhere")
