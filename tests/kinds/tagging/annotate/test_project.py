"""Projects: begun, gone on with, held by one process; the text of any format, read once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.annotate.export import export
from fewshot_metalstm.kinds.tagging.annotate.project import Begin, opened
from fewshot_metalstm.kinds.tagging.annotate.state import DONE, OPEN
from fewshot_metalstm.kinds.tagging.formats import read_documents
from fewshot_metalstm.lock import Busy
from tests.kinds.tagging.annotate.builders import annotate, mark, project


def test_a_project_goes_on_without_its_text(tmp_path: Path) -> None:
    with project(tmp_path / "p") as found:
        annotate(found, 3)
        before = [found.state.marks(i) for i in range(24)]
        begun = found.text
    (tmp_path / "text.txt").unlink()
    with opened(tmp_path / "p", Begin()) as found:
        assert found.text == begun
        assert [found.state.marks(i) for i in range(24)] == before
        assert found.done() == [0, 1, 2]
        assert found.notes == ()


def test_one_process_holds_it(tmp_path: Path) -> None:
    with (
        project(tmp_path / "p"),
        pytest.raises(Busy, match=r"another process is writing an annotation project there \(proc"),
        opened(tmp_path / "p", Begin()),
    ):
        pass


def test_a_torn_line_is_said(tmp_path: Path) -> None:
    with project(tmp_path / "p") as found:
        annotate(found, 2)
    with (tmp_path / "p" / "journal.jsonl").open("ab") as file:
        file.write(b'{"n":3,"do":"ma')
    with opened(tmp_path / "p", Begin()) as found:
        assert "cut a last line of 15 bytes" in found.notes[0]
        assert found.done() == [0, 1]


def test_what_cannot_be_gone_on_with(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    with project(folder) as found:
        annotate(found, 1)
    (tmp_path / "other.txt").write_text("Other text is here.\n")

    def refused(match: str, begin: Begin | None = None) -> None:
        with pytest.raises(UserError, match=match), opened(folder, begin or Begin()):
            pass

    refused(r"was begun with .*text\.txt; leave the text out", Begin(tmp_path / "other.txt"))
    journal = folder / "journal.jsonl"
    kept = journal.read_text()
    journal.write_text(kept.replace('"sentence":0', '"sentence":99'))
    refused("journal.jsonl:1: does not go with the text: there is no such sentence")
    journal.write_text(kept)
    text = folder / "text.jsonl"
    was = text.read_text()
    text.write_text(was.replace("W303", "W304"))
    refused("text.jsonl: was changed since the project was begun")
    text.write_text(was)
    about = json.loads((folder / "project.json").read_text())
    (folder / "project.json").write_text(json.dumps({**about, "version": 9}))
    refused("is of version 9")
    (folder / "project.json").write_text("{")
    refused("project.json: is damaged")


def test_options_that_a_project_cannot_take_are_refused(tmp_path: Path) -> None:
    with project(tmp_path / "p"):
        pass
    for begin, match in (
        (Begin(count_given=True), r"p: was begun without --count-given, .*; leave it out"),
        (Begin(types=("x" * 101,)), "--types 'xxx.*: is no name of a type"),
        (Begin(types=tuple(f"t{n}" for n in range(101))), "and 101 more are too many"),
    ):
        with pytest.raises(UserError, match=match), opened(tmp_path / "p", begin):
            pass
    assert not (tmp_path / "p" / "journal.jsonl").read_bytes()


def test_what_a_project_is_not_begun_with(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("Some text is here.\n")
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.doc").write_text("mine")

    def refused(match: str, begin: Begin, folder: str = "new") -> None:
        with pytest.raises(UserError, match=match), opened(tmp_path / folder, begin):
            pass
        assert not (tmp_path / "new").exists()

    refused("holds no project; name the text", Begin())
    refused("say what to mark with --types", Begin(tmp_path / "t.txt"))
    refused("holds no sentence", Begin(tmp_path / "empty.txt", ("A",)))
    refused("is no name of a type", Begin(tmp_path / "t.txt", ("A\x00",)))
    refused("no such file", Begin(tmp_path / "absent.txt", ("A",)))
    refused("holds other files", Begin(tmp_path / "t.txt", ("A",)), "full")
    assert (tmp_path / "full" / "thesis.doc").read_text() == "mine"


def test_mentions_of_the_text_are_there_and_not_counted(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    mentions = [[0, 4, "Mouse"], [4, 9, "Gene"], [10, 26, "Time"]]
    records: list[dict[str, Any]] = [
        {"id": "a", "text": "Mice IL-2 grew. They were old.", "mentions": mentions},
        {"id": "b", "text": "No growth was seen here."},
    ]
    source.write_text("".join(json.dumps(each) + "\n" for each in records))
    with opened(tmp_path / "p", Begin(source, ("Gene",))) as found:
        assert found.state.types == ["Gene", "Mouse", "Time"]
        # A mention that crosses the end of a sentence makes the two one.
        assert [found.text.sentence(i) for i in range(len(found.text))] == [
            r["text"] for r in records
        ]
        marks = found.state.marks(0)
        assert marks.status == OPEN
        assert [(s.type, s.start, s.end) for s in marks.spans] == [
            ("Mouse", 0, 4), ("Gene", 4, 9), ("Time", 10, 26),
        ]  # fmt: skip
        assert found.done() == []
    with opened(tmp_path / "q", Begin(source, count_given=True)) as found:
        assert found.done() == [0]
        assert found.state.marks(0).status == DONE
        found.act(mark(0))
        assert found.done() == []
        found.act({"do": "undo"})
        assert found.done() == [0]


def test_white_space_around_mentions(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    mentions = [[0, 6, "A"], [4, 11, "B"], [5, 6, "C"]]  # with a blank behind, around, and alone
    source.write_text(json.dumps({"text": " Mice  ran.\n", "mentions": mentions}) + "\n")
    with opened(tmp_path / "p", Begin(source)) as found:
        sentence = found.text.sentence(0)
        assert sentence == "Mice  ran."
        assert [(s.type, sentence[s.start : s.end]) for s in found.state.marks(0).spans] == [
            ("A", "Mice"), ("B", "e  ran."), ("C", " "),
        ]  # fmt: skip
    source.write_text(json.dumps({"text": "Mice.\n  Cats.", "mentions": [[6, 8, "C"]]}) + "\n")
    with opened(tmp_path / "q", Begin(source)) as found:
        assert found.notes == ("1 mentions of white space alone left out",)


def test_a_folder_of_abstracts_and_columns(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    for name in "ab":
        (tmp_path / "texts" / f"{name}.txt").write_text(f"Text of {name} is here. It ends.\n")
    with opened(tmp_path / "p", Begin(tmp_path / "texts", ("A",))) as found:
        assert [found.text.name(i) for i in range(4)] == ["a", "a", "b", "b"]
    (tmp_path / "t.tsv").write_text("Mice\tB-X\nran\tO\n\nCats\tO\nslept\tO\n\n")
    with opened(tmp_path / "q", Begin(tmp_path / "t.tsv")) as found:
        assert found.state.types == ["X"]
        assert len(found.text) == 2
    (tmp_path / "plain.conll").write_text("Mice\nran\n\nCats\nslept\n\n")
    with opened(tmp_path / "r", Begin(tmp_path / "plain.conll", ("X",))) as found:
        assert found.text.sentence(1) == "Cats slept"


def test_pieces_overlaps_and_characters_beyond_the_first_plane(tmp_path: Path) -> None:
    with project(tmp_path / "p", "The 𓀀-IL-2 and β cell grew.\n") as found:
        spans = [["Strain", [[4, 10]]], ["Time", [[6, 10], [17, 21]]]]
        found.act(mark(0, spans=spans, how="done", status="done"))
        (document,) = read_documents(export(found, "jsonl").path)
        assert [document.text[m.start : m.end] for m in document.mentions] == [
            "𓀀-IL-2", "IL-2 and β cell",
        ]  # fmt: skip
        assert document.mentions[1].fragments == ((6, 10), (17, 21))
        flat = export(found, "conll")
        assert any("overlap" in note for note in flat.notes)
