"""The texts of the catalogue: how files are cut into documents, and what stays out of a suite."""

from __future__ import annotations

import bz2
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.data.draws import draws_file
from fewshot_metalstm.data.suites import load_suite, load_targets
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.language_model import corpora, draws
from fewshot_metalstm.kinds.language_model.tasks import DEVEL, KIND, TRAIN


def test_articles_begin_at_their_titles() -> None:
    body = "A text . \n \n = = Part = = \n \n x = 1 \n = y = \n"
    text = f" \n = One = \n \n {body} \n = Two = \n \n B \n"
    first, second = corpora.articles(text)
    assert (first.title, second.title) == ("One", "Two")
    assert (first.data + second.data).decode() == text.replace(" \n = One", " = One").replace(
        " \n = Two", " = Two"
    )
    assert b"= y =" in first.data


def test_pages_are_kept_with_what_is_stored_of_them() -> None:
    text = "<x>\n <page>\n <title>A &amp; B</title>\n text\n</page>\n <page>no title</page>\n</x>"
    first, second = corpora.pages(text)
    assert (first.title, second.title) == ("A &amp; B", "")
    assert first.data == b"<page>\n <title>A &amp; B</title>\n text\n</page>\n"
    assert second.data == b"<page>no title</page>\n"


def test_newspaper_text_is_spelled_and_cut_at_line_ends() -> None:
    line = " ".join("it_was_<unk>_N") + " \n"
    found = corpora.chunks(line * 2500)
    assert [each.title for each in found] == ["chunk 1", "chunk 2"]
    assert all(each.data == b"it was <unk> N\n" * 1000 for each in found)
    assert corpora.chunks("a b c\n") == ()


def test_one_file_has_three_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 44 * "a" + "é" + 43 * "b" + "c" * 5 + "éé" + "d"  # 99 bytes: cuts at 89 and 94
    found = corpora.beginning(text)
    assert [each.title for each in found] == [TRAIN, DEVEL, "test"]
    assert "".join(each.data.decode() for each in found) == text
    assert [len(each.data) for each in found] == [89, 5, 5]
    assert [each.title for each in corpora.beginning("x")] == ["test"]

    entry = Catalogue.load(kind=KIND)["enwik8"]
    place = tmp_path / "enwik8" / "enwik8.zip"
    place.parent.mkdir()
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("enwik8", text)
    own = replace(entry.files[TRAIN], sha256=sha256(place.read_bytes()))
    made = Catalogue({"enwik8": replace(entry, files={TRAIN: own})})
    monkeypatch.setattr(Catalogue, "load", lambda *_, **__: made)
    task = corpora.load_corpus("enwik8", tmp_path)
    assert (task.family, task.follows) == ("enwiki-pages", False)
    assert task.sizes == {TRAIN: 1, DEVEL: 1, "test": 1}
    place.write_bytes(b"PK" + place.read_bytes()[2:] + b"more")
    with pytest.raises(UserError, match="is not the file of the catalogue"):
        corpora.load_corpus("enwik8", tmp_path)


def test_a_dump_has_three_splits_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "<page>" * 20
    entry = Catalogue.load(kind=KIND)["enwiki"]
    place = tmp_path / "enwiki" / entry.files[TRAIN].name
    place.parent.mkdir()
    place.write_bytes(bz2.compress(text.encode()))
    own = replace(entry.files[TRAIN], sha256=sha256(place.read_bytes()))
    made = Catalogue({"enwiki": replace(entry, files={TRAIN: own})})
    monkeypatch.setattr(Catalogue, "load", lambda *_, **__: made)
    task = corpora.load_corpus("enwiki", tmp_path)
    assert task.family == "enwiki-pages"
    assert [len(each.data) for each in task.documents] == [108, 6, 6]
    assert list(task.sizes) == [TRAIN, DEVEL, "test"]


def test_a_suite_has_nothing_of_its_targets(world: Path) -> None:
    suite = load_suite("characters", kind=KIND)
    loaded = corpora.load_suite(suite, (), world)
    wiki, pages = loaded.train
    assert [each.title for each in wiki.documents] == [
        "train 0", "train 1", "train 2", "valid 0", "valid 1"
    ]  # fmt: skip
    assert wiki.splits == {TRAIN: (0, 1, 2), DEVEL: (3, 4)}
    # The page "Test 1" has the title of an article that is held out; every tenth page is devel.
    assert [each.title for each in pages.documents] == ["B", "C", "A"]
    assert pages.splits == {TRAIN: (0, 1), DEVEL: (2,)}
    assert loaded.report.documents == ("Test 1",)
    assert "1 documents with their titles" in loaded.report.summary()[0]
    assert loaded.validation == loaded.train
    left = corpora.load_suite(suite, ("enwiki-pages",), world)
    assert [task.name for task in left.train] == ["wikitext-2"]
    with pytest.raises(UserError, match="has no task left"):
        corpora.load_suite(suite, ("enwiki-pages", "wikitext-2"), world)


def test_a_file_that_is_not_the_catalogues_is_refused(world: Path, tmp_path: Path) -> None:
    assert len(corpora.load_corpus("ptb-characters", world).documents) == 2
    place = tmp_path / "ptb" / "ptb.char.test.txt"
    place.parent.mkdir()
    place.write_text("a b c\n")
    with pytest.raises(UserError, match=r"SHA-256 differs\); .*: put ptb.char.test.txt of"):
        corpora.load_corpus("ptb-characters", tmp_path)
    with pytest.raises(UserError, match=r"no corpus 'ptb-caracters'.*ptb-characters"):
        corpora.load_corpus("ptb-caracters", world)


def test_official_targets_are_frozen() -> None:
    assert load_targets(kind=KIND).official == ("wikitext-articles", "ptb-characters")
    assert all(draws_file(name).is_file() for name in load_targets(kind=KIND).official)


def test_the_real_texts_are_as_they_were_drawn(real_data: Path) -> None:
    if not (real_data / "wikitext-2").is_dir():
        pytest.skip(f"wikitext-2 is not in {real_data}")
    for name, documents in (("wikitext-articles", 60), ("ptb-characters", 29)):
        task = corpora.load_corpus(name, real_data)
        assert len(task.documents) == documents
        assert draws.FROZEN.check([task]) == ()
