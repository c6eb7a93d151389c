"""PubMed's XML: articles as documents, bad ones passed over, bombs not read."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.bulk import pubmed as module
from fewshot_metalstm.kinds.tagging.bulk.pubmed import read_pubmed
from fewshot_metalstm.kinds.tagging.bulk.records import MAX_CHARACTERS, BadRecord, Item, Record
from tests.kinds.tagging.bulk.builders import article, pubmed

PATH = Path("pubmed26n0001.xml")


def items(data: bytes) -> list[Item]:
    return list(read_pubmed(io.BytesIO(data), PATH))


def test_title_and_abstract_with_their_offsets() -> None:
    (record, bare) = items(
        pubmed(
            article(
                "12",
                "Mice &amp; <i>E. coli</i>\n  in H<sub>2</sub>O &#946;",
                "One &lt; 2.",
                "Thrée.",
            ),
            article("13", "[No abstract]."),
        )
    )
    assert isinstance(record, Record)
    assert record.text == "Mice & E. coli in H2O β\nOne < 2.\nThrée."
    assert record.id == "12"
    start, end = record.sections["title"]
    assert record.text[start:end] == "Mice & E. coli in H2O β"
    start, end = record.sections["abstract"]
    assert record.text[start:end] == "One < 2.\nThrée."
    assert bare == Record("13", "[No abstract].", {"title": (0, 14)})


@pytest.mark.parametrize("chunk", [1, 7, 64, 1000])
def test_the_size_of_a_chunk_changes_nothing(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = "<PubmedArticle><MedlineCitation><PMID>3</PMID></Medline></PubmedArticle>"
    data = pubmed(article("1", "A", "b"), bad, "<PubmedArticle ><x/>", article("2", "C" * 500))
    whole = items(data)
    assert len(whole) == 4
    monkeypatch.setattr(module, "_CHUNK", chunk)
    assert items(data) == whole


def test_a_bad_article_costs_itself_alone() -> None:
    found = items(
        pubmed(
            article("1", "Fine"), article("2", "not <b>closed"), article("3", "bell \x07"),
            "<PubmedArticle><MedlineCitation><PMID>4</PMID>\n", article("", "nameless"),
            "<PubmedBookArticle><BookDocument><PMID>6</PMID></BookDocument></PubmedBookArticle>",
            article("7", "x" * (MAX_CHARACTERS + 1)), article("8", "Fine too"),
        )
    )  # fmt: skip
    assert [item.id for item in found if isinstance(item, Record)] == ["1", "8"]
    bad = {item.number: item for item in found if isinstance(item, BadRecord)}
    assert sorted(bad) == [2, 3, 4, 5, 6, 7]
    assert "mismatched tag" in bad[2].reason
    assert (bad[2].id, bad[5].id) == ("2", None)
    assert "not well-formed" in bad[3].reason
    assert bad[4].reason == "does not end before the next begins"
    assert bad[5].reason == "has no PMID"
    assert "book" in bad[6].reason
    assert f"has {MAX_CHARACTERS + 1} characters" in bad[7].reason


def test_entities_of_a_document_type_are_never_expanded() -> None:
    lines = ['<!ENTITY e0 "ha">']
    lines += [f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12)]
    head = f"<!DOCTYPE PubmedArticleSet [{''.join(lines)}]>"
    inner = f"<!DOCTYPE x [{''.join(lines)}]><x>&e11;</x>"
    tracemalloc.start()
    found = items(
        pubmed(article("1", "&e11;"), article("2", "Fine"), article("3", inner), head=head)
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [type(item) for item in found] == [BadRecord, Record, BadRecord]
    assert isinstance(found[0], BadRecord)
    assert "undefined entity" in found[0].reason
    assert peak < 10 * 2**20


def test_an_endless_article_is_passed_over_in_bounded_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 5000)
    monkeypatch.setattr(module, "_CHUNK", 1000)
    found = items(pubmed(article("1", "x" * 50_000), article("2", "Fine")))
    assert [type(item) for item in found] == [BadRecord, Record]


def test_files_that_cannot_be_read_whole_are_refused() -> None:
    data = pubmed(article("1", "A"), article("2", "B"))
    with pytest.raises(UserError, match="ends within article 2; fetch the file again"):
        items(data[: data.index(b">B<")])
    with pytest.raises(UserError, match="does not end with </PubmedArticleSet>"):
        items(data[: data.index(b"</PubmedArticleSet>")])
    with pytest.raises(UserError, match="is in ISO-8859-1, not UTF-8"):
        items(data.replace(b"utf-8", b"ISO-8859-1"))
    with pytest.raises(UserError, match="is in UTF-16, not UTF-8"):
        items(data.decode().encode("utf-16"))
    with pytest.raises(UserError, match="does not end"):
        items(b"")
    assert items(pubmed()) == []
