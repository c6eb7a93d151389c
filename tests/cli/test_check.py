"""``fewshot-metalstm check`` as a user runs it: the exit codes and what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from tests.kinds.tagging.checking.test_checking import clean, columns


def test_exit_codes_and_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.tsv"
    file.write_text(clean())
    assert main(["check", str(file)]) == 0
    out = capsys.readouterr().out
    assert "0 errors, 0 warnings, 0 notes" in out
    assert "Sp 12" in out
    file.write_text(clean() + columns("x\u200by/O", "[bold]/O " + "x" * 70 + "/O"))
    assert main(["check", str(file)]) == 0, "warnings are no failure"
    out = capsys.readouterr().out
    assert f"{file}:121: U+200B" in out
    assert "  -> remove them" in out
    assert "note: " in out
    assert main(["check", str(file), "--quiet"]) == 0
    assert "note: " not in capsys.readouterr().out
    file.write_text(clean() + columns("a/O b/E-Sp"))
    assert main(["check", str(file)]) == 1
    assert "error: tags that IOBES" in capsys.readouterr().out
    file.write_text("a\n")
    assert main(["check", str(file)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1


def test_a_scheme_that_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.tsv"
    file.write_text(clean().replace("B-Sp", "Sp").replace("E-Sp", "Sp"))
    assert main(["check", str(file), "--scheme", "IO"]) == 0
    out = capsys.readouterr().out
    assert "(conll, IO)" in " ".join(out.split())
    assert "Sp 12" in out
    file.write_text(columns("a/B-Sp b/I-Sp") + columns("a/O b/I-Sp"))
    assert main(["check", str(file), "--scheme", "iob2"]) == 1
    assert "tags that IOB2, the scheme named, forbids" in capsys.readouterr().out
    assert main(["check", str(file), "--scheme", "foo"]) == 2
    assert "--scheme: unknown tag scheme 'foo'" in capsys.readouterr().err
    other = tmp_path / "b.jsonl"
    other.write_text('{"text": "Mice ran", "mentions": [[0, 4, "Sp"]]}')
    assert main(["check", str(other), "--scheme", "IO"]) == 2
    assert "jsonl has no scheme of tags" in capsys.readouterr().err


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.tsv").write_text(clean() + columns("a/O b/E-Sp"))
    assert main(["check", str(tmp_path / "a.tsv"), "--json"]) == 1
    printed = capsys.readouterr()
    assert printed.err == ""
    value = json.loads(printed.out)
    assert (value["errors"], value["warnings"], value["scheme"]) == (1, 0, "IOBES")
    (finding,) = value["findings"]
    assert set(finding) == {"name", "severity", "problem", "count", "cure", "examples"}
    assert value["splits"][0]["mentions"] == {"Sp": 13}


def test_the_formats_are_named_where_one_is_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.tsv").write_text(clean())
    assert main(["check", str(tmp_path / "a.tsv"), "--format", "bart"]) == 2
    assert "format 'bart' is unknown; use conll," in capsys.readouterr().err
