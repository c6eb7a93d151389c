"""Consoles and lines that show a user's text and do not obey it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.table import Table

from fewshot_metalstm.cli.failures import describe
from fewshot_metalstm.cli.main import main
from fewshot_metalstm.cli.tables import say
from fewshot_metalstm.cli.terminal import Terminal
from fewshot_metalstm.errors import UserError

HOSTILE = "X\x1b[31m\x9b2J"
SHOWN = "X\\x1b[31m\\x9b2J"


@pytest.mark.parametrize("colours", [True, False])
def test_a_console_escapes_text_and_keeps_its_own_styles(colours: bool) -> None:
    file = io.StringIO()
    console = Terminal(file=file, width=100, force_terminal=colours, highlight=False)
    table = Table(HOSTILE, title="[/b] of :smile:")
    table.add_row(f"{HOSTILE} [bold]")
    console.print(table)
    console.print(f"plain {HOSTILE}\n\ttwo", style="red")
    written = file.getvalue()
    assert HOSTILE not in written
    assert written.count(SHOWN) == 3
    assert "[/b] of :smile:" in written
    assert f"{SHOWN} [bold]" in written
    assert ("\x1b[31m" in written) == colours, "the style of the line itself"


def test_lines_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"a\t{HOSTILE}")
    say(f"b {HOSTILE}", err=True)
    assert capsys.readouterr() == (f"a\t{SHOWN}\n", f"b {SHOWN}\n")
    assert describe(UserError(f"no\n{HOSTILE}"), "x") == f"no {SHOWN}"


def test_check_shows_a_tag_with_an_escape_sequence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "train.tsv"
    file.write_text("a\tB-X\x1b[31m\nb\tI-Y\x1b[31m\n\n")
    main(["check", str(file), "--format", "conll"])
    printed = capsys.readouterr()
    assert "\x1b" not in printed.out + printed.err
    assert "\\x1b" in printed.out + printed.err
