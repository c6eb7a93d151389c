"""``fewshot-metalstm tag-corpus`` as a user runs it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, TAGGER, save_model
from tests.cli.builders import refused, run_json
from tests.kinds.tagging.bulk.builders import article, pubmed
from tests.kinds.tagging.tagger.builders import model


@pytest.fixture
def tagger(tmp_path: Path) -> Path:
    save_model(model(2, TAGGER), tmp_path / "tagger")
    return tmp_path / "tagger"


def tag(tagger: Path, output: Path, *more: str) -> list[str]:
    """A small ``tag-corpus``."""
    return ["tag-corpus", str(tagger), "--output", str(output), "--runner", "pool",
            "--workers", "1", *more]  # fmt: skip


def test_summary_bad_records_and_going_on(
    tmp_path: Path, tagger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, output = tmp_path / "p1.xml.gz", tmp_path / "out"
    text = "the cell was in a11 with a"
    source.write_bytes(gzip.compress(pubmed(article("1", text, "of"), article("2", "<b>"))))
    assert main(tag(tagger, output, str(source), "--text")) == 0
    printed = capsys.readouterr()
    assert f"bad records: {output}/bad" in printed.out
    assert "p1.xml.gz: 1 documents, " in printed.err
    assert "files: 1/1" in printed.err
    (line,) = gzip.decompress((output / "p1.jsonl.gz").read_bytes()).decode().splitlines()
    document = json.loads(line)
    assert document["text"] == f"{text}\nof"
    for mention in document["mentions"]:
        assert document["text"][mention["start"] : mention["end"]] == mention["text"]
    assert json.loads((output / "bad" / "p1.jsonl").read_text())["id"] == "2"
    more = tmp_path / "more.txt"
    more.write_text("the cell\n\nwas in\n")
    value = run_json(
        tag(tagger, output, str(source), str(more), "--text"), capsys
    )  # fmt: skip
    assert (value["skipped"], value["documents"]) == ([str(source)], 1)
    assert {"mentions", "bad_records", "seconds", "records_per_second", "failed"} <= set(value)


def test_a_link_goes_by_its_own_name(
    tmp_path: Path, tagger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "0001").write_text("the cell was in\n")
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).symlink_to(tmp_path / "kept" / "0001")
    more = (str(tmp_path / "a.txt"), str(tmp_path / "b.txt"))
    assert main(tag(tagger, tmp_path / "out", *more, "--quiet")) == 0
    capsys.readouterr()
    for name in ("a", "b"):
        (line,) = (tmp_path / "out" / f"{name}.jsonl").read_text().splitlines()
        assert json.loads(line)["id"] == f"{name}.txt"


def test_a_file_without_a_document_says_why(
    tmp_path: Path, tagger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.xml.gz").write_bytes(gzip.compress(pubmed(article("2", "<b>"))))
    assert main(tag(tagger, tmp_path / "out", str(tmp_path / "empty.xml.gz"))) == 0
    shown = capsys.readouterr().err
    assert "0 documents, 0 mentions, 1 bad record (is not well-formed XML" in shown


def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, tagger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"id": 1, "text": "a"}')[:-4])
    (tmp_path / "fine.jsonl").write_text('{"id": 1, "text": "a"}')
    names = [str(tmp_path / name) for name in ("cut.jsonl.gz", "fine.jsonl")]
    assert main(tag(tagger, tmp_path / "out", *names)) == 1
    printed = capsys.readouterr()
    assert "cut.jsonl.gz: is damaged" in printed.out
    assert "1 files failed; the same command tries them again" in printed.err
    assert (tmp_path / "out" / "fine.jsonl").is_file()
    assert not (tmp_path / "out" / "cut.jsonl.gz").exists()


def test_mistakes_are_one_line_and_leave_nothing(
    tmp_path: Path, tagger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "a.txt"
    text.write_text("a")
    output = tmp_path / "out"
    assert "no such file" in refused(tag(tagger, output, str(tmp_path / "x.txt")), capsys)
    assert "holds no model" in refused(tag(tmp_path / "no", output, str(text)), capsys)
    save_model(model(1, CHECKPOINT), tmp_path / "c")
    assert "is a checkpoint, not a tagger" in refused(
        tag(tmp_path / "c", output, str(text)), capsys
    )
    assert not output.exists()
    output.mkdir()
    (output / "thesis.tex").touch()
    assert "holds other files" in refused(tag(tagger, output, str(text)), capsys)
    assert "add --format" in refused(tag(tagger, output, str(output / "thesis.tex")), capsys)
