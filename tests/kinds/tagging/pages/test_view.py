"""The view of a text: what is marked, what filters see, and that no text can do anything."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from fewshot_metalstm.kinds.tagging.corpora.sentence import Span
from fewshot_metalstm.kinds.tagging.formats.document import Document, Mention
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.pages.view import View, make_view, placed, write_view
from fewshot_metalstm.kinds.tagging.tagger.confidence import Reading

EVIL = '<script>alert(1)</script> & "mice" ate\'s rats'


class Elements(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def reading(*mentions: tuple[int, int, str, float]) -> Reading:
    spans = tuple(Span(*mention[:3]) for mention in mentions)
    return Reading((), spans, tuple(mention[3] for mention in mentions))


def view(*, gold: bool = True) -> View:
    """Five sentences: right, missed, spurious, boundary and type."""
    lines = ["Mice ran", "Mice ate", "Cats sat", "E. coli grew", "p53 bound"]
    text = "\n".join(lines)
    at = {word: text.index(word) for word in ("ran", "ate", "E.", "coli", "p53")}
    mentions = (
        Mention(0, 4, "Species"),
        Mention(9, 13, "Species"),
        Mention(at["E."], at["coli"] + 4, "Species"),
        Mention(at["p53"], at["p53"] + 3, "Gene"),
    )
    sentences = placed([Document("d", text, mentions)], "error", Notes(), Path("f"))
    readings = [
        reading((0, 1, "Species", 0.99)), reading(), reading((0, 1, "Species", 0.4)),
        reading((2, 3, "Species", 0.7)), reading((0, 1, "Species", 0.8)),
    ]  # fmt: skip
    return make_view("m", ("Species",), sentences, readings, gold=gold)


def test_each_kind_of_mistake_is_told_beside_gold() -> None:
    shown = view()
    assert [row.kinds for row in shown.rows] == ["clean", "missed", "spurious", "boundary", "type"]
    right, missed, spurious, boundary, kind = shown.rows
    assert right.gold == ()
    assert [p.text for p in missed.gold if p.mark] == ["Mice"]
    assert not any(p.mark for p in missed.tagger)
    mark = spurious.tagger[0].mark
    assert mark is not None
    assert (mark.sign, mark.look, mark.confidence) == ("+ spurious", "spurious bad unsure", 0.4)
    assert [p.text for p in boundary.tagger if p.mark] == ["coli"]
    assert [p.text for p in boundary.gold if p.mark] == ["E. coli"]
    assert (kind.types, kind.least) == ("0 1", "0.8000")
    assert [(s.name, s.gold) for s in shown.scores] == [("Species", 3), ("Gene", 1), ("all", 4)]
    assert shown.scores[-1].counts == {"missed": 1, "spurious": 1, "boundary": 1, "type": 1}
    assert shown.scores[-1].f1 == 25.0
    assert any("does not know the type Gene" in note for note in shown.notes)
    for row, line in zip(shown.rows, ("Mice ran", "Mice ate", "Cats sat"), strict=False):
        assert "".join(p.text for p in row.tagger) == line
    assert right.place == "d, characters 0-8"


def test_without_gold_nothing_is_wrong(tmp_path: Path) -> None:
    shown = view(gold=False)
    assert {row.kinds for row in shown.rows} == {"clean"}
    assert all(row.gold == () for row in shown.rows)
    page = write_view(shown, "t", tmp_path / "v.html").read_text(encoding="utf-8")
    assert 'name="kind"' not in page
    assert "F1" not in Elements(page).text


def test_no_text_becomes_an_element_and_nothing_is_loaded(tmp_path: Path) -> None:
    document = Document(f"{EVIL}", EVIL, (Mention(0, 8, "<img src=x onerror=alert(2)>"),))
    sentences = placed([document], "longest", Notes(), Path("f"))
    tagged = [reading((0, 1, "<b onclick=x>", 0.9)) for _ in sentences]
    shown = make_view("<i>", ("<b onclick=x>",), sentences, tagged, gold=True, notes=[EVIL])
    page = write_view(shown, EVIL, tmp_path / "v.html").read_text(encoding="utf-8")
    found = Elements(page)
    assert [tag for tag, _ in found.found].count("script") == 1
    assert not {tag for tag, _ in found.found} & {"img", "i", "iframe", "object"}
    for tag, attributes in found.found:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), tag
    (policy,) = (a["content"] for t, a in found.found if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not re.search(r"url\(|@import|https?://", page)


def test_thousands_of_sentences_are_quick_and_small(tmp_path: Path) -> None:
    text = "\n".join(f"Mice ate {i} grains of rice in the dark" for i in range(5000))
    sentences = placed([Document("d", text)], "error", Notes(), Path("f"))
    readings = [reading((0, 1, "Species", 0.9))] * len(sentences)
    path = write_view(
        make_view("m", ("Species",), sentences, readings, gold=False), "t", tmp_path / "v.html"
    )
    assert path.read_text(encoding="utf-8").count("<article") == 5000
    assert path.stat().st_size < 3_000_000
    assert [file.name for file in tmp_path.iterdir()] == ["v.html"]
