"""Documents written and read again are the documents, in every format."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_metalstm.kinds.tagging.formats import Document, Mention, Notes, to_sentences
from fewshot_metalstm.kinds.tagging.formats.sentences import token_bounds
from tests.kinds.tagging.formats.builders import documents, through

FEW = settings(max_examples=60, deadline=None)
EVERYTHING = documents(
    overlaps=True, fragments=True, ids=True, attributes=("n",), passages=True, given=True,
    confidences=True,
)  # fmt: skip


def by_name(found: list[Document]) -> list[Document]:
    """In the order of ids: a folder has no other."""
    return sorted(found, key=lambda document: document.id)


def ordered(found: list[Document]) -> list[Document]:
    """With mentions in one order, for formats that group them by passage."""
    return [
        replace(d, mentions=tuple(sorted(d.mentions, key=lambda m: (m.start, m.end, m.id))))
        for d in found
    ]


@FEW
@given(EVERYTHING)
@pytest.mark.parametrize(("format", "name"), [("jsonl", "x.jsonl")])
def test_json_lines_hold_everything(format: str, name: str, given: list[Document]) -> None:
    assert through(given, format, name, Notes()) == given


@settings(max_examples=15, deadline=None)
@given(EVERYTHING)
def test_parquet_holds_everything(given: list[Document]) -> None:
    pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    assert through(given, "parquet", "x.parquet", Notes()) == given


@FEW
@given(
    documents(
        overlaps=True, fragments=True, ids=True, attributes=("Neg", "Reference"), confidences=True
    )
)
def test_brat(given: list[Document]) -> None:
    # Fragments that only line ends part are how brat writes one piece.
    joined = [
        replace(d, mentions=tuple(
            replace(m, fragments=()) if m.fragments and not d.text[
                m.fragments[0][1] : m.fragments[1][0]].strip("\r\n") else m
            for m in d.mentions
        ))
        for d in given
    ]  # fmt: skip
    assert by_name(through(joined, "brat", "x", Notes())) == by_name(joined)


@FEW
@given(documents(overlaps=True, attributes=("identifier",)))
def test_pubtator(given: list[Document]) -> None:
    given = [replace(d, id=d.id.replace("|", "-")) for d in given]
    notes = Notes()
    found = through(given, "pubtator", "x.pubtator", notes)
    for old, new in zip(given, found, strict=True):
        head, gap, rest = old.text.partition("\n")
        whole = head + gap + rest.replace("\n", " ")
        assert new.text == whole.replace("\r", " ")
        assert (new.id, new.mentions) == (old.id, old.mentions)
    breaks = sum(d.text.replace("\n", "", 1).count("\n") + d.text.count("\r") for d in given)
    assert notes["line_breaks"] == breaks


@FEW
@given(
    documents(
        overlaps=True,
        fragments=True,
        ids=True,
        attributes=("n", "m"),
        passages=True,
        confidences=True,
    )
)
@pytest.mark.parametrize(("format", "name"), [("bioc-json", "x.json"), ("bioc-xml", "x.xml")])
def test_bioc(format: str, name: str, given: list[Document]) -> None:
    assert ordered(through(given, format, name, Notes())) == ordered(given)


@FEW
@given(documents(overlaps=True, ids=True, confidences=True))
def test_label_studio(given: list[Document]) -> None:
    assert through(given, "label-studio", "x.json", Notes()) == given


@FEW
@given(documents(overlaps=True, fragments=True, ids=True, attributes=("n", "m")))
def test_pubannotation(given: list[Document]) -> None:
    assert through(given, "pubannotation", "x.json", Notes()) == given


@FEW
@given(documents(overlaps=True))
def test_spacy_tuples_keep_all_but_ids(given: list[Document]) -> None:
    found = through(given, "spacy-tuples", "x.json", Notes())
    assert [(d.text, d.mentions) for d in found] == [(d.text, d.mentions) for d in given]


@FEW
@given(documents(overlaps=True, confidences=True))
def test_prodigy(given: list[Document]) -> None:
    assert through(given, "prodigy", "x.jsonl", Notes()) == given


@pytest.mark.parametrize(
    ("format", "name"), [("conll", "x.conll"), ("pubtator", "x.pubtator"), ("docbin", "x.spacy")]
)
def test_confidences_without_a_place_are_counted(format: str, name: str) -> None:
    if format == "docbin":
        pytest.importorskip("spacy", reason="DocBin needs the extra spacy")
    given = [
        Document("d", "IL-2 in p53", (Mention(0, 4, "G", confidence=0.5), Mention(8, 11, "G")))
    ]
    notes = Notes()
    found = through(given, format, name, notes)
    assert notes["lost_confidences"] == 1
    assert [m.confidence for m in found[0].mentions] == [None, None]


@pytest.mark.parametrize(
    ("format", "name"), [("bioc-json", "x.json"), ("bioc-xml", "x.xml"), ("brat", "x")]
)
@pytest.mark.parametrize("value", ["0.90", "high", "2", "nan", ""])
def test_what_others_call_confidence_stays_as_it_was(format: str, name: str, value: str) -> None:
    attributes = (("confidence", value),)
    given = [Document("d", "IL-2", (Mention(0, 4, "G", "T1", (), attributes),))]
    assert through(given, format, name, Notes()) == given


def seen(document: Document) -> tuple[Mention, ...]:
    """The mentions that are more than white space."""
    return tuple(m for m in document.mentions if document.text[m.start : m.end].strip())


@FEW
@given(documents(given=True))
def test_conll_keeps_ids_text_and_mentions(given: list[Document]) -> None:
    """White space at a mention's ends apart, which no token holds."""
    given = [replace(d, mentions=seen(d), tokens=()) for d in given]
    found = through(given, "conll", "x.conll", Notes())
    assert [d.id for d in found] == [d.id for d in given]
    assert [d.text for d in found] == [d.text for d in given]
    for old, new in zip(given, found, strict=True):
        assert new.mentions == tuple(
            Mention(m.start + len(w) - len(w.lstrip()), m.end - (len(w) - len(w.rstrip())), m.type)
            for m in old.mentions
            for w in [old.text[m.start : m.end]]
        )
        assert through([new], "conll", "y.conll", Notes()) == [new]


@FEW
@given(documents(given=True, overlaps=True, fragments=True))
def test_sentences_hold_all_text_and_every_mention(given: list[Document]) -> None:
    for document in given:
        notes = Notes()
        placed = to_sentences(document, overlaps="longest", notes=notes)
        before = 0
        for sentence in placed:
            assert len(sentence.offsets) == len(sentence.sentence.tokens)
            for (start, end), token in zip(sentence.offsets, sentence.sentence.tokens, strict=True):
                assert document.text[start:end] == token == token.strip() != ""
                assert not document.text[before:start].strip()
                before = end
        assert not document.text[before:].strip()
        kept = sum(tag[0] in "BS" for each in placed for tag in each.sentence.tags)
        assert kept == (
            len(document.mentions) - notes["overlapping"] - notes["repeated"] - notes["blank"]
        )


@FEW
@given(st.text(max_size=60))
def test_token_bounds_of_raw_text(text: str) -> None:
    bounds = [bound for sentence in token_bounds(Document("", text)) for bound in sentence]
    assert "".join(text[a:b] for a, b in bounds) == "".join(text.split())
