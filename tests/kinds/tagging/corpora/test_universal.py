"""CoNLL-U read for labels of words, and columns with a label for every token."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.bad import SKIP, BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.sentence import TokenLabels, as_written
from fewshot_metalstm.kinds.tagging.corpora.universal import column_called, words_of
from fewshot_metalstm.kinds.tagging.episodes.load import load_target


def word(number: str, form: str, upos: str, xpos: str) -> str:
    return "\t".join((number, form, form, upos, xpos, "_", "0", "root", "_", "_")) + "\n"


TEXT = (
    "# sent_id = 1\n" + word("1-2", "don't", "_", "_") + word("1", "do", "AUX", "VB")
    + word("2", "n't", "PART", "RB") + word("2.1", "it", "PRON", "PRP") + word("3", "#", "SYM", "#")
    + "\n" + word("1", "Go", "VERB", "VB") + "\n"
)  # fmt: skip


def test_words_have_labels_and_neither_tokens_of_several_nor_empty_nodes() -> None:
    parsed = words_of(TEXT.encode(), "x.conllu")
    assert parsed.tokens == [("do", "n't", "#"), ("Go",)]
    assert parsed.tags == [("S-AUX", "S-PART", "S-SYM"), ("S-VERB",)]
    assert parsed.lines == [3, 8]
    fine = words_of(TEXT.encode(), "x.conllu", column_called("xpos"))
    assert fine.tags == [("S-VB", "S-RB", "S-#"), ("S-VB",)]
    assert column_called("-6") == column_called("XPOS") == 4


@pytest.mark.parametrize("name", ["POS", "12", ""])
def test_a_column_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"--tag-column {name}: CoNLL-U has no such column"):
        column_called(name)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (word("1", "a", "_", "DT"), "x:1: word 'a' has no label in UPOS; give it one"),
        ("a\tb\n", "x:1: is no line of CoNLL-U"),
        ("# text = a\n", "x: holds no sentence"),
    ],
)
def test_what_has_no_label_is_refused(text: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        words_of(text.encode(), "x")


def test_a_sentence_with_a_word_without_a_label_is_left_out_where_that_is_asked() -> None:
    bad = BadAnnotations(SKIP)
    parsed = words_of((word("1", "a", "_", "DT") + "\n" + TEXT).encode(), "x", 3, bad)
    assert [tokens[0] for tokens in parsed.tokens] == ["do", "Go"]
    assert [fault.line for fault in bad.faults] == [1]


def test_a_target_of_the_users_own_with_one_label_a_token(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("The\tDT\tDET\ndog\tNN\tNOUN\nO\tUH\tO\n")
    source = str(tmp_path / "train.tsv")
    task = load_target(source, scheme="token")
    assert isinstance(task.types, TokenLabels)
    assert task.types == ("DET", "NOUN", "O"), "O is a label as any other"
    tags = task.split("train")[0].tags
    assert as_written(task.types, tags) == ("DET", "NOUN", "O")
    assert load_target(source, scheme="token", tag_column="1").types == ("DT", "NN", "UH")
    assert load_target(source, scheme="token").types == task.types, "as it is recalled"
    (tmp_path / "u.conllu").write_text(TEXT)
    universal = load_target(str(tmp_path / "u.conllu"), scheme="token", tag_column="XPOS")
    assert universal.types == ("#", "RB", "VB")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"scheme": "token", "tag_column": "UPOS"}, "--tag-column UPOS: give its number"),
        ({"scheme": "token", "tag_column": "5"}, "has 2 columns and no column 5"),
        ({"scheme": "token", "types": ["DT"]}, "--type: every token of train has a label"),
        ({}, "train.tsv:1: tag 'DT' is not O or <letter>-<type>.*token if every token has a label"),
    ],
)
def test_what_cannot_be_read_so_is_refused(
    tmp_path: Path, given: dict[str, object], problem: str
) -> None:
    (tmp_path / "train.tsv").write_text("The\tDT\ndog\tNN\n")
    with pytest.raises(UserError, match=problem):
        load_target(str(tmp_path / "train.tsv"), **given)  # type: ignore[arg-type]


def test_a_token_without_a_label_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("The\tDT\ndog\t\n")
    with pytest.raises(UserError, match=r"train\.tsv:2: token 'dog' has no label; give it one"):
        load_target(str(tmp_path / "train.tsv"), scheme="token")
    with pytest.raises(UserError, match="how conll2003 is read is known"):
        load_target("conll2003", scheme="token")


def test_brat_has_no_column_of_labels(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A dog.\n")
    (tmp_path / "a.ann").write_text("T1\tX 2 5\tdog\n")
    with pytest.raises(UserError, match="--scheme token is for files of columns and of CoNLL-U"):
        load_target(str(tmp_path), scheme="token")
