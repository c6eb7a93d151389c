"""``fewshot-metalstm convert``, and annotated files of other formats where a target is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.tagging.formats import Document, read_documents
from fewshot_metalstm.kinds.tagging.formats.table import WRITABLE
from tests.cli.builders import QUICK, refused, settings

SENTENCES = (
    "IL-2 ran in mice.",
    "No p53 was seen,\r\nbut IL-2.",
    "Mice and p53 😀 ran.",
    "p53 ran.",
)
PUBTATOR = "".join(
    f"{n}|t|{title}\n{n}|a|We saw IL-2.\n{n}\t{start}\t{start + 4}\tIL-2\tGene\t1\n\n"
    for n, title, start in ((1, "Of mice", 15), (2, "IL-2 in rats", 0))
)

COLUMNS = "Mice\tB-Species\nran\tO\n\np53\tB-Gene\nran\tO\n"


def brat(folder: Path) -> Path:
    """A folder with a document a sentence, every gene in it annotated."""
    folder.mkdir(parents=True)
    for number, text in enumerate(SENTENCES):
        lines = [
            f"T{name}\tGene {text.index(name)} {text.index(name) + len(name)}\t{name}\n"
            for name in ("IL-2", "p53")
            if name in text
        ]
        lines = [f"T{n}{line[line.index(chr(9)) :]}" for n, line in enumerate(lines, 1)]
        (folder / f"d{number}.txt").write_bytes(text.encode())
        (folder / f"d{number}.ann").write_text("".join(lines), encoding="utf-8")
    return folder


def places(found: list[Document]) -> list[tuple[str, str, list[tuple[int, int, str]]]]:
    return [(d.id, d.text, sorted((m.start, m.end, m.type) for m in d.mentions)) for d in found]


@pytest.mark.parametrize("annotated", [False, True])
def test_no_text_is_lost_beside_one_called_like_a_split(
    annotated: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    for name in ("p1", "blood-test"):
        (folder / f"{name}.txt").write_text("IL-2 ran.")
        if annotated:
            (folder / f"{name}.ann").write_text("T1\tGene 0 4\tIL-2\n")
    value, _ = convert_json(["convert", str(folder), str(tmp_path / "out.jsonl")], capsys)
    assert (value["documents"], value["mentions"]) == (2, 2 * annotated)


def convert_json(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> tuple[dict[str, Any], str]:
    """What a command with ``--json`` prints, and what it says on standard error."""
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    captured = capsys.readouterr()
    value: dict[str, Any] = json.loads(captured.out)
    return value, captured.err


@pytest.mark.parametrize(
    ("to", "name"),
    [("conll", "x.conll"), ("bioc-xml", "x.xml"), ("bioc-json", "x.json"), ("brat", "x"),
     ("label-studio", "x.json"), ("prodigy", "x.jsonl"), ("jsonl", "x.jsonl")],
)  # fmt: skip
def test_there_and_back(
    to: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = brat(tmp_path / "in")
    result, _ = convert_json(["convert", str(source), str(tmp_path / name), "--to", to], capsys)
    assert (result["documents"], result["mentions"]) == (4, 5)
    assert (result["from"], result["to"]) == ("brat", to)
    assert main(["convert", str(tmp_path / name), str(tmp_path / "back"), "--to", "brat"]) == 0
    assert "4 documents, 5 mentions in brat" in capsys.readouterr().out
    back = list(read_documents(tmp_path / "back"))
    assert places(back) == places(list(read_documents(source)))


def test_what_is_lost_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.jsonl"
    mentions = [{"start": 0, "end": 9, "type": "A b", "fragments": [[0, 4], [5, 9]]}, [5, 9, "B"]]
    source.write_text(json.dumps({"text": "head neck", "mentions": mentions}))
    out = tmp_path / "out.conll"
    line = refuse(["convert", str(source), str(out)], capsys)
    assert "is discontinuous; pass --overlaps longest" in line
    assert not out.exists()
    arguments = ["convert", str(source), str(out), "--overlaps", "longest", "--to-scheme", "BILOU"]
    result, error = convert_json(arguments, capsys)
    assert result["notes"] == {"discontinuous": 1, "overlapping": 1}
    assert error.splitlines() == [
        "note: 1 discontinuous mentions taken from their first character to their last",
        "note: 1 mentions left out that overlap a longer one",
    ]
    quiet, error = convert_json([*arguments, "--quiet"], capsys)
    assert quiet["notes"] == result["notes"], "still in the object"
    assert error == ""
    assert "head\tB-A b\nneck\tL-A b\n" in out.read_text()
    line = refuse(["convert", str(source), str(tmp_path / "b"), "--to", "brat"], capsys)
    assert "the type 'A b' has a blank" in line
    assert main(["convert", str(source), str(tmp_path / "b"), "--to", "brat", "--rename",
                 "A b=A_b"]) == 0  # fmt: skip
    assert "A_b 0 4;5 9\thead neck" in (tmp_path / "b" / "in-1.ann").read_text()


def test_splits_of_a_folder_stay_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    brat(tmp_path / "in" / "train")
    (tmp_path / "in" / "test.pubtator").write_text(PUBTATOR)
    result, _ = convert_json(
        ["convert", str(tmp_path / "in"), str(tmp_path / "out"), "--to", "bioc-xml"], capsys
    )
    assert result["splits"] == ["train", "test"]
    assert result["from"] == "brat and pubtator"
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["test.xml", "train.xml"]
    assert len(list(read_documents(tmp_path / "out" / "train.xml"))) == 4
    assert "holds files already" in refuse(
        ["convert", str(tmp_path / "in"), str(tmp_path / "out"), "--to", "jsonl"], capsys
    )


def test_mistakes_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = brat(tmp_path / "in")
    (tmp_path / "empty").mkdir()
    (tmp_path / "old.jsonl").write_text("old")
    for arguments, expected in (
        ([str(source), str(tmp_path / "x")], "its name tells no format"),
        ([str(source), str(tmp_path / "x"), "--to", "text"], "text cannot be written"),
        ([str(source), str(tmp_path / "x"), "--to", "word"], "format 'word' is unknown"),
        ([str(tmp_path / "none"), str(tmp_path / "x.xml")], "there is no such file or folder"),
        ([str(tmp_path / "empty"), str(tmp_path / "x.xml")], "holds no train, devel or test file"),
    ):
        assert expected in refuse(["convert", *arguments], capsys)
    (source / "d3.ann").write_text("T1\tGene 1 3\tp53\n")
    assert "d3.ann:1: the text" in refuse(
        ["convert", str(source), str(tmp_path / "old.jsonl")], capsys
    )
    assert (tmp_path / "old.jsonl").read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "in", "old.jsonl"]


def test_adapt_predict_and_evaluate_on_standoff(
    meta_trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "own"
    brat(target / "train")
    (target / "test.pubtator").write_text(PUBTATOR)
    run = tmp_path / "run"
    arguments = ["adapt", "--target", str(target), "--shots", "0", "--draws", "1", "--no-tracking",
                 "--checkpoint", str(meta_trained), "--output", str(run), "--quiet",
                 "--workers", "1", *settings(QUICK)]  # fmt: skip
    report, _ = convert_json(arguments, capsys)
    assert report["draws"][0]["support_sentences"] == 5  # a line end is a sentence's end
    result, _ = convert_json(["evaluate", str(run), "--target", str(target)], capsys)
    assert (result["split"], result["mentions"]) == ("test", 2)
    assert result["f1"] == report["draws"][0]["f1"]
    inputs = [str(target / "train"), str(target / "test.pubtator")]
    output = ["--to", "bioc-json", "--output", str(tmp_path / "found")]
    result, _ = convert_json(["predict", str(run), *inputs, *output], capsys)
    assert (result["documents"], result["format"]) == (6, "bioc-json")
    found = list(read_documents(tmp_path / "found"))
    assert [d.text for d in found][:4] == list(SENTENCES)
    value, _ = convert_json(["predict", str(run), str(target / "train")], capsys)
    (file,) = value["files"]
    assert (file["format"], [d["id"] for d in file["documents"]]) == (
        "brat",
        ["d0", "d1", "d2", "d3"],
    )
    assert "there is no --output" in refuse(
        ["predict", str(run), str(target / "train"), "--to", "brat"], capsys
    )


def test_overlaps_in_a_target(
    meta_trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.jsonl"
    own.write_text(json.dumps({"text": "IL-2 ran", "spans": [[0, 4, "Gene"], [0, 2, "Gene"]]}))
    arguments = ["adapt", "--target", str(own), "--shots", "0", "--draws", "1", "--no-tracking",
                 "--checkpoint", str(meta_trained), "--output", str(tmp_path / "run"),
                 "--workers", "1", *settings(QUICK)]  # fmt: skip
    assert "pass --overlaps longest" in refused(arguments, capsys)
    assert main([*arguments, "--quiet", "--json", "--overlaps", "longest"]) == 0


def test_standard_output_is_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.conll").write_text(COLUMNS)
    for words in (["-"], ["-o", "-"], ["--output", "-"]):
        assert main(["convert", "in.conll", *words, "--to", "jsonl"]) == 0
        captured = capsys.readouterr()
        assert json.loads(captured.out)["text"] == "Mice ran\np53 ran"
        assert captured.err == "-: 1 documents, 2 mentions in jsonl, from conll\n"
    assert main(["convert", "in.conll", "-o", "out.jsonl", "--quiet"]) == 0
    capsys.readouterr()
    assert "there is no type" in refuse(
        ["convert", "in.conll", "-", "--to", "jsonl", "--rename", "No=A"], capsys
    )
    assert "brat is a folder" in refuse(["convert", "in.conll", "-", "--to", "brat"], capsys)
    assert "leave out --json" in refuse(
        ["convert", "in.conll", "-", "--to", "jsonl", "--json"], capsys
    )
    assert "name what to write once" in refuse(["convert", "in.conll"], capsys)
    assert "name what to write once" in refuse(["convert", "in.conll", "a", "-o", "b"], capsys)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.conll", "out.jsonl"]


@pytest.mark.parametrize("folder", [False, True])
def test_what_says_nothing_is_refused(
    folder: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.conll"
    if folder:
        source = tmp_path / "in"
        source.mkdir()
    for name in ("train.conll", "test.conll") if folder else (".",):
        (source / name).write_text(COLUMNS)
    out = str(tmp_path / "out.jsonl")
    line = refuse(["convert", str(source), out, "--to", "jsonl", "--rename", "Nope=A"], capsys)
    assert "there is no type Nope; the types there are: Gene, Species" in line
    line = refuse(["convert", str(source), out, "--to", "jsonl", "--to-scheme", "IOBES"], capsys)
    assert "--to-scheme IOBES: jsonl has no scheme of tags" in line
    assert not Path(out).exists()
    assert main(["convert", str(source), out, "--to", "gliner", "--rename", "Gene=A"]) == 0
    capsys.readouterr()
    if not folder:
        for command in (["convert", out, "x.conll", "--from", "gliner"], ["adapt", "--train", out]):
            line = refuse([*command, "--scheme", "IOB1"], capsys)
            assert "--scheme IOB1: gliner has no scheme of tags" in line


def refuse(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """A command that must exit with 2 and one line."""
    capsys.readouterr()
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_bad_annotations_are_said_repaired_and_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = brat(tmp_path / "in")
    file = source / "d0.ann"
    file.write_text(file.read_text() + "T7\tGene 1 5\tIL-2\nT8\tGene 1 3\tTNF\n")
    out = tmp_path / "out.jsonl"
    line = refused(["convert", str(source), str(out)], capsys)
    assert "d0.ann:2: " in line
    assert "(the first of 2 bad annotations; then line 3: " in line
    assert "--bad-annotations repair or skip" in line
    line = refused(["convert", str(source), str(out), "--bad-annotations", "repair"], capsys)
    assert "d0.ann:3: " in line
    assert not out.exists()
    arguments = ["convert", str(source), str(out), "--bad-annotations", "skip"]
    result, error = convert_json(arguments, capsys)
    assert (result["mentions"], result["notes"]["bad_annotations"]) == (5, 2)
    assert "note: 2 bad annotations left out\n" in error
    table = Path(result["bad_annotations"])
    assert table == tmp_path / "out.jsonl.bad-annotations.tsv"
    rows = [row.split("\t") for row in table.read_text().splitlines()]
    assert rows[0] == ["file", "line", "annotation", "problem", "done"]
    assert rows[1][:3] == [str(file), "2", "T7 Gene 1 5 IL-2"]
    assert rows[2][-1] == "left out"


def test_unannotated_tasks_are_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks = [{"id": 1, "data": {"text": "a"}, "annotations": [{"result": []}]},
             {"id": 2, "data": {"text": "b"}, "annotations": []}]  # fmt: skip
    (tmp_path / "in.json").write_text(json.dumps(tasks))
    arguments = ["convert", str(tmp_path / "in.json"), str(tmp_path / "out.jsonl")]
    result, error = convert_json(arguments, capsys)
    assert (result["documents"], result["notes"]) == (1, {"unannotated": 1})
    assert "--unannotated negatives" in error
    result, _ = convert_json([*arguments, "--unannotated", "negatives"], capsys)
    assert result["documents"] == 2


def test_help_names_every_format_that_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("convert", "predict"):
        assert main([command, "--help"]) == 0
        shown = capsys.readouterr().out.replace("\n", " ").split()
        joined = " ".join(shown).replace("- ", "-")
        assert all(name in joined for name in WRITABLE)


def test_what_is_read_is_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.conll"
    path.write_text(COLUMNS)
    assert "is what is read; name another place" in refused(
        ["convert", str(path), str(path)], capsys
    )
    assert path.read_text() == COLUMNS


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_what_is_written_has_a_name(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "a.conll"
    source.write_text(COLUMNS)
    for given in ([name], ["--output", name]):
        told = refused(["convert", str(source), *given], capsys)
        assert f"{name!r} is no name of a file; name one" in told
    if not name:
        told = refused(["adapt", "--train", str(source), "--output", name], capsys)
        assert "the name is empty; name a folder" in told
