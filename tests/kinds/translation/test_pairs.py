"""Sentence pairs of users' own files: what is read, and what is refused with file and line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.kinds.translation.own_files import load_own, looks_so
from fewshot_metalstm.kinds.translation.pairs import LONGEST, Pairs, sentences, too_long
from fewshot_metalstm.kinds.translation.tasks import TEST, TRAIN

EN, DE = "A dog  runs.\nTwo men sit.\n", "Ein Hund läuft.\r\nZwei Männer sitzen."


def write(folder: Path, **contents: str | bytes) -> None:
    for name, content in contents.items():
        path = folder / name.replace("_", ".")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_two_files_and_a_table_are_the_same_pairs(tmp_path: Path) -> None:
    table = "A dog runs.\tEin Hund läuft.\nTwo men sit.\t Zwei Männer  sitzen.\n"
    write(tmp_path, text_en=b"\xef\xbb\xbf" + EN.encode(), text_de=DE, both_tsv=table)
    (tmp_path / "text.de.gz").write_bytes(gzip.compress(DE.encode()))
    wanted = Pairs(("A dog runs.", "Two men sit."), ("Ein Hund läuft.", "Zwei Männer sitzen."))
    for source, languages in (("text.en:text.de", "en-de"), ("text.en:text.de.gz", "en-de"),
                              ("both.tsv", "pairs"), ("train=both.tsv", "pairs")):  # fmt: skip
        task = load_own(source)
        assert vars(task.splits[TRAIN]) == vars(wanted)
        assert task.languages == languages
        assert task.digests[TRAIN] == wanted.digest
    task = load_own("train=text.en:text.de,test=both.tsv")
    assert task.name == "text"
    assert task.sizes == {TRAIN: 2, TEST: 2}


def test_what_does_not_go_together_is_refused_with_its_place(tmp_path: Path) -> None:
    write(
        tmp_path,
        text_en=EN,
        short_de="Ein Hund läuft.\n",
        gap_de="Ein Hund läuft.\n \n",
        bad_de=b"Ein Hund\nZwei M\xe4nner\n",
        empty_de="\n\n",
        three_tsv="a b\tc d\ta b c\n",
        one_tsv="a b c\tx y z\nonly one side\n",
        half_tsv="a b c\t \n",
        zero_de=b"a\0b\nc\n",
        long_de="Ein Hund läuft.\n" + "Hund " * 30_000 + "\n",
        long_tsv="a b c\tx y z\na b c\t" + "x " * 30_000 + "\n",
    )
    for source, problem in (
        ("text.en:short.de", "short.de:2: text.en has 2 lines and short.de 1; mend the files"),
        ("short.de:text.en", "text.en:2: short.de has 1 lines and text.en 2"),
        ("text.en:gap.de", "gap.de:2: is empty; fill it, or remove the line from both files"),
        ("text.en:bad.de", "bad.de:2: is not UTF-8; save it as UTF-8"),
        ("text.en:zero.de", "zero.de:1: has a zero byte"),
        ("text.en:empty.de", "empty.de: is empty; give a sentence a line"),
        ("text.en:absent.de", "absent.de: there is no such file"),
        ("three.tsv", "three.tsv:1: has 3 columns and not two; write sentence, tab, translation"),
        ("one.tsv", "one.tsv:2: has 1 columns and not two"),
        ("half.tsv", "half.tsv:1: its second column is empty"),
        ("text.en:long.de", "long.de:2: is too long to translate: 149,999 bytes, and a sentence"),
        ("long.tsv", "long.tsv:2: is too long to translate: 59,999 bytes, and a sentence may have"),
        ("absent.tsv", "absent.tsv: there is no such file"),
        ("text.en", "text.en: is one file of text, and translation needs pairs; give a .tsv"),
        ("test=half.tsv", "has no train split"),
    ):  # fmt: skip
        with pytest.raises(UserError) as refused:
            load_own(source)
        assert problem in str(refused.value), source


def test_characters_that_look_like_an_end_of_line_are_none() -> None:
    found = sentences("one\u2028two \x85 three\r\n&quot; four &amp; five\n".encode())
    assert found == ["one\u2028two \x85 three", '" four & five']


def test_pairs_are_known_by_their_look(tmp_path: Path) -> None:
    write(
        tmp_path,
        text_en=EN,
        text_de=DE,
        tokens_tsv="A\tO\ndog\tB-Animal\n",
        labels_tsv="text\tlabel\nIt is a good film.\tpositive\n",
        both_tsv="A dog runs fast.\tEin Hund läuft schnell.\nTwo men.\tZwei Männer.\n",
    )
    looks = {
        name: looks_so(Path(name))
        for name in (
            "text.en:text.de",
            "text.en",
            "both.tsv",
            "tokens.tsv",
            "labels.tsv",
            "absent.tsv",
        )
    }
    assert [name for name, look in looks.items() if look] == ["text.en:text.de", "both.tsv"]
    for source, kind in (("train=text.en:text.de", "translation"), ("both.tsv", "translation"),
                         ("tokens.tsv", "tagging"), ("labels.tsv", "classification"),
                         ("train=text.en:absent.de", "translation")):  # fmt: skip
        assert registry.of_target(source).name == kind, source


def test_a_sentence_may_be_as_long_as_can_be_translated() -> None:
    assert too_long("ä" * (LONGEST // 2)) is None
    assert too_long("ä" * (LONGEST // 2) + "a") == (
        "is too long to translate: 10,001 bytes, and a sentence may have 10,000"
    )
