"""``fewshot-metalstm predict`` and ``evaluate`` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.tagging.cli.predict import kind_of
from fewshot_metalstm.kinds.tagging.corpora.demo import DEMO_TARGET, demo_corpora
from fewshot_metalstm.kinds.tagging.formats import read_documents
from tests.cli.builders import adapt, refused, run_json


@pytest.fixture(scope="module")
def adapted(meta_trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of an adaptation good enough to find mentions."""
    output = tmp_path_factory.mktemp("adapted") / "run"
    arguments = adapt(
        output, "--checkpoint", str(meta_trained), "--draws", "1", "--tune", "all",
        "--shots", "100", "--set", "adapt.optimiser=adam", "--set", "adapt.lr=0.02",
        "--set", "adapt.averages=1", "--set", "adapt.epochs=15",
    )  # fmt: skip
    assert main([*arguments, "--quiet", "--json"]) == 0
    return output


def test_evaluate_gives_what_adapt_reported(
    adapted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = json.loads((adapted / "report.json").read_text())
    result = run_evaluate(["evaluate", str(adapted), "--target", DEMO_TARGET], capsys)
    assert {"f1", "precision", "recall", "per_type"} <= set(result)
    draw = report["draws"][0]
    for name in ("f1", "precision", "recall"):
        assert result[name] == draw[name]
    assert result["f1"] > 0


def test_predict_marks_mentions_of_raw_text_with_offsets(
    adapted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sentences = demo_corpora()[DEMO_TARGET].splits["test"]
    text = "\n".join(" ".join(s.tokens) for s in sentences)
    file = tmp_path / "notes.txt"
    file.write_text(text, encoding="utf-8")
    assert main(["predict", str(adapted), str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines
    for line in lines:
        name, start, end, kind, mention, confidence = line.split("\t")
        assert (name, kind) == (str(file), "Species")
        assert text[int(start) : int(end)] == mention
        assert 0 <= float(confidence) <= 1
    assert main(["predict", str(adapted), str(file), "--no-confidence"]) == 0
    assert capsys.readouterr().out.splitlines() == [line.rpartition("\t")[0] for line in lines]
    assert main(["predict", str(adapted), str(file), "--json"]) == 0
    sentences_found = json.loads(capsys.readouterr().out)["files"][0]["sentences"]
    confidences = [m["confidence"] for s in sentences_found for m in s["mentions"]]
    assert confidences == [float(line.rpartition("\t")[2]) for line in lines]
    odd = tmp_path / "a\tb\nc.txt"
    odd.write_text(text, encoding="utf-8")
    assert main(["predict", str(adapted), str(odd)]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[1:] for row in rows] == [line.split("\t")[1:] for line in lines]
    assert {row[0] for row in rows} == {f"{tmp_path}/a\\tb\\nc.txt"}


def test_documents_hold_confidences_where_they_can(
    adapted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sentences = demo_corpora()[DEMO_TARGET].splits["test"][:60]
    file = tmp_path / "in.jsonl"
    texts = [" ".join(s.tokens) for s in sentences]
    file.write_text("".join(json.dumps({"id": f"d{n}", "text": text}) + "\n"
                            for n, text in enumerate(texts)))  # fmt: skip

    def found(name: str, *more: str) -> list[Any]:
        place = tmp_path / name
        assert main(["predict", str(adapted), str(file), "--output", str(place), *more]) == 0
        documents = sorted(read_documents(place), key=lambda document: document.id)
        return [m.confidence for document in documents for m in document.mentions]

    expected = found("x.jsonl")
    assert expected
    assert all(each is not None and 0 <= each <= 1 for each in expected)
    for name, *more in (("x.xml",), ("y.json", "--to", "bioc-json"), ("brat", "--to", "brat"),
                        ("z.json", "--to", "label-studio"), ("p.jsonl", "--to", "prodigy"),
                        ("x.parquet",)):  # fmt: skip
        assert found(name, *more) == expected, name
    assert set(found("none.jsonl", "--no-confidence")) == {None}
    capsys.readouterr()
    assert set(found("x.conll")) == {None}
    assert "confidences" not in capsys.readouterr().err, "none were asked for"
    assert main(["predict", str(adapted), str(file)]) == 0
    printed = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    # In order of documents, not of their ids.
    assert sorted(float(line[5]) for line in printed) == sorted(expected)
    assert printed[0][0].startswith(f"{file}:d")
    assert main(["predict", str(adapted), str(file), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)["files"][0]["documents"]
    assert sorted(m["confidence"] for d in answer for m in d["mentions"]) == sorted(expected)


def test_texts_of_one_name_in_two_folders_are_two_documents(
    adapted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / folder / "notes.txt" for folder in ("a", "b")]
    for file in files:
        file.parent.mkdir()
        file.write_text(f"Mice in folder {file.parent.name} ran.\n")
    texts = [file.read_text() for file in files]
    for output in ("brat", "x.jsonl"):
        more = ["--to", "brat"] if output == "brat" else []
        place = tmp_path / output
        given = ["predict", str(adapted), *map(str, files), "--output", str(place), *more]
        assert main(given) == 0
        found = sorted(read_documents(place), key=lambda document: document.id)
        assert [(each.id, each.text) for each in found] == list(
            zip(["a/notes", "b/notes"], texts, strict=True)
        )
    capsys.readouterr()
    twice = ["predict", str(adapted), *[str(files[0])] * 2, "--output", str(tmp_path / "y.jsonl")]
    assert f"{files[0]}: is given twice" in refused(twice, capsys)


def test_predict_adds_a_column_to_token_per_line_files(
    adapted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "in.tsv"
    file.write_text("Mice\nate\n.\n\nSo\ndid\nrats\n", encoding="utf-8")
    assert main(["predict", str(adapted / "tagger"), str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines] == [
        "Mice", "ate", ".", "", "So", "did", "rats", "",
    ]  # fmt: skip
    assert all(line.split("\t")[1] in ("O", *(f"{k}-Species" for k in "BIES"))
               for line in lines if line)  # fmt: skip


@pytest.mark.parametrize("name", ["x.iob1", "x.bioes", "x.col", "x.tags", "x", "x.txt", "x.conll"])
def test_columns_split_by_blanks_are_no_text(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text("Cells O\nof O\nW303 B-Strain\n. O\n")
    assert kind_of(file, None) == "columns"
    file = file.with_suffix(".txt")
    file.write_text("Rituximab depletes B-cells\n")
    assert kind_of(file, None) == "text"


def test_predict_prints_one_json_object(
    adapted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "empty.txt"
    file.write_text("", encoding="utf-8")
    assert main(["predict", str(adapted), str(file), "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["files"] == [{"file": str(file), "format": "text", "sentences": []}]


def test_bad_input_is_one_line(
    adapted: Path, meta_trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / "odd.txt"
    odd.write_bytes(b"fine\n\xff\xfe\n")

    def error(*arguments: str) -> str:
        assert main(list(arguments)) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        return captured.err

    assert f"{odd}:2" in error("predict", str(adapted), str(odd))
    assert "nowhere" in error("predict", str(adapted), str(tmp_path / "nowhere"))
    assert "checkpoint, not a tagger" in error(
        "predict", str(meta_trained / "checkpoint"), str(odd)
    )
    # What is read is never written over, and no option is named that predict has not.
    gold = tmp_path / "gold.conll"
    gold.write_text("Mice\tB-Species\nran\n")
    assert "give every token line the same columns\n" in error("predict", str(adapted), str(gold))
    gold.write_text("Mice\tB-Species\nran\tO\n")
    assert "is what is read; name another place" in error(
        "predict", str(adapted), str(gold), "-o", str(tmp_path / "." / "gold.conll")
    )
    assert gold.read_text() == "Mice\tB-Species\nran\tO\n"
    half = tmp_path / "half.jsonl"
    half.write_text('{"id": "a", "text": "A dog."}\n{"id": "3d\\ude00", "text": "A rat."}\n')
    assert f"{half}:2: holds a lone surrogate" in error("predict", str(adapted), str(half))
    assert "Species" in error("evaluate", str(adapted), "--target", "demo-genes")


def test_a_target_of_the_users_own_without_a_test_split(
    meta_trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.tsv"
    own.write_text("Mice\tB-Beast\nran\tO\n\nNo\tO\nrat\tB-Beast\nran\tO\n", encoding="utf-8")
    arguments = ["adapt", "--target", str(own), "--shots", "0", "--draws", "1", "--no-tracking",
                 "--checkpoint", str(meta_trained), "--output", str(tmp_path / "out"),
                 "--set", "adapt.epochs=1", "--set", "adapt.min_steps=2"]  # fmt: skip
    report = run_json(arguments, capsys)
    assert report["mean_f1"] is None
    assert report["draws"][0]["support_sentences"] == 2
    assert any("no test split" in note for note in report["notes"])
    assert main(["predict", str(tmp_path / "out"), str(own), "--json"]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "out"), "--target", str(own)]) == 0
    heading = capsys.readouterr().out
    assert str(own.stem) in heading
    assert "split" not in heading, "a file that is scored is no train split to its user"
    own.write_text("Mice\tI-Beast\nran\tE-Beast\n", encoding="utf-8")
    line = refused([*arguments[:-6], "--output", str(tmp_path / "again")], capsys)
    assert f"{own}:1" in line


def run_evaluate(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """``evaluate --json``."""
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    value: dict[str, Any] = json.loads(capsys.readouterr().out)
    return value
