"""CoNLL-U with entities in MISC, as tags and as brackets."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import Document, Notes, detect, read_documents


def row(number: str, form: str, misc: str = "_") -> str:
    return "\t".join([number, form, *"_______", misc]) + "\n"


def mentions(document: Document) -> list[tuple[str, str]]:
    return [(document.text[m.start : m.end], m.type) for m in document.mentions]


TAGGED = (
    "# newdoc id = a\n# sent_id = 1\n# text = don't see Ann-Lee.\n"
    + row("1-2", "don't")
    + row("1", "do") + row("2", "n't") + row("3", "see") + row("3.1", "saw")
    + row("4", "Ann", "NER=B-PER|SpaceAfter=No") + row("5", "-", "NER=I-PER|SpaceAfter=No")
    + row("6", "Lee", "NER=I-PER|SpaceAfter=No") + row("7", ".") + "\n"
    + row("1", "Rome", "NER=B-LOC") + "\n# newdoc\n" + row("1", "x") + "\n"
)  # fmt: skip


@pytest.mark.parametrize("name", ["x.conllu", "x.txt", "x.conll"])
def test_tags(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(TAGGED)
    assert detect(path).name == "conllu"
    first, second = read_documents(path)
    assert (first.id, first.text) == ("a", "don't see Ann-Lee.\nRome")
    assert mentions(first) == [("Ann-Lee", "PER"), ("Rome", "LOC")]
    assert len(first.sentences) == 2
    assert (second.id, second.text, second.mentions) == ("x-2", "x", ())


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O B-LOC I-LOC B-PER", "del Rio"), ("O S-LOC O S-PER", "del"),
        ("B-LOC E-LOC O S-PER", "del"), ("B-LOC I-LOC E-LOC S-PER", "del Rio"),
        ("B-LOC I-LOC L-LOC U-PER", "del Rio"), ("B-LOC L-LOC O U-PER", "del"),
        ("B-LOC O O B-PER", "del"), ("O O B-LOC B-PER", "Rio"),
    ],
)  # fmt: skip
def test_words_of_one_token_are_tagged_together(tags: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "x.conllu"
    words = ("de", "el", "Rio", "Ann")
    rows = (row(str(n), word, f"NER={tag}")
            for n, (word, tag) in enumerate(zip(words, tags.split(), strict=True), 1))  # fmt: skip
    path.write_text(row("1-2", "del") + "".join(rows))
    (document,) = read_documents(path)
    assert mentions(document) == [(expected, "LOC"), ("Ann", "PER")]


def test_brackets_nest_and_their_order_is_declared(tmp_path: Path) -> None:
    path = tmp_path / "x.conllu"
    path.write_text(
        "# global.Entity = eid-etype-head\n"
        + row("1", "The", "Entity=(e1-org-2") + row("2", "Rome", "Entity=(e2-place-1)")
        + row("3", "club", "Entity=e1)(e3-person-1)") + "\n"
    )  # fmt: skip
    (document,) = read_documents(path)
    assert sorted(mentions(document)) == [
        ("Rome", "place"), ("The Rome club", "org"), ("club", "person"),
    ]  # fmt: skip
    path.write_text(row("1", "a", "Entity=(person-1") + row("2", "b", "Entity=2)") + "\n")
    with pytest.raises(UserError, match=r"x\.conllu:2: closes .* \(the first of 2 bad"):
        list(read_documents(path))
    (document,) = read_documents(path, bad=BadAnnotations("skip"))
    assert document.mentions == ()


def test_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "x.conllu"
    path.write_text(row("1", "a", "NER=I-X") + row("2", "b", "NER=B-Y") + "1\tb\n")
    with pytest.raises(UserError, match=r"x\.conllu:3: is no line of CoNLL-U"):
        list(read_documents(path))
    (document,) = read_documents(path, bad=BadAnnotations("skip"))
    assert mentions(document) == []
    path.write_text(row("1", "a", "NER=I-X") + row("2", "b", "NER=B-Y"))
    (document,) = read_documents(path, bad=BadAnnotations("repair"))
    assert mentions(document) == [("a", "X"), ("b", "Y")]


def test_a_treebank_without_entities_is_not_annotated(tmp_path: Path) -> None:
    path = tmp_path / "x.conllu"
    path.write_text(row("1", "a") + row("2", "b", "SpaceAfter=No"))
    notes = Notes()
    assert list(read_documents(path, notes=notes)) == []
    assert notes["unannotated"] == 1
