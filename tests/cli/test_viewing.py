"""Commands that write a page of what a model makes of a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from fewshot_metalstm.cli.viewing import show, view_command


@dataclass(frozen=True)
class Shown:
    """A page of so many lines."""

    model: str
    notes: tuple[str, ...]
    lines: int


@view_command(click.option("--lines", type=int, default=2))
def view(
    model: Path, file: Path, output: Path | None, lines: int, device: str, as_json: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """Write a page."""

    def write(html: Path) -> Shown:
        html.write_text(f"<p>{file.name} {device}</p>", encoding="utf-8")
        return Shown(str(model), ("one is empty",), lines)

    show(
        file, output, write, lambda shown: (f"{shown.lines} lines", {"lines": shown.lines}),
        as_json=as_json, quiet=quiet,
    )  # fmt: skip


def run(*arguments: str) -> Any:
    return CliRunner().invoke(view, arguments, catch_exceptions=False)


def test_the_page_lies_beside_by_the_files_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = run("m", "some/notes.txt")
    assert (tmp_path / "notes.txt.html").read_text() == "<p>notes.txt auto</p>"
    assert found.stdout == "notes.txt.html: 2 lines\n"
    assert found.stderr == "note: one is empty\n"
    assert run("m", "notes.txt", "--quiet").stderr == ""


def test_json_has_the_figures_besides(tmp_path: Path) -> None:
    page = tmp_path / "p.html"
    found = run("m", "notes.txt", "-o", str(page), "--lines", "5", "--json")
    assert json.loads(found.stdout) == {
        "html": str(page), "model": "m", "notes": ["one is empty"], "lines": 5
    }  # fmt: skip
    assert page.exists()


def test_the_page_on_standard_output_is_alone_there() -> None:
    found = run("m", "notes.txt", "-o", "-")
    assert found.stdout.strip() == "<p>notes.txt auto</p>"
    assert found.stderr == "note: one is empty\n2 lines\n"
    assert run("m", "notes.txt", "-o", "-", "--quiet").stderr == ""
