"""A page's worked example, done as the page says in an empty folder."""

from __future__ import annotations

import runpy
import shutil
from collections.abc import Sequence
from pathlib import Path

from fewshot_metalstm.cli.main import PROGRAM, main
from tests.docs.pages import ROOT, SHELL, logical_lines, read, statements


def follow_example(page: str, run: Path, place: str, quick: Sequence[str] = ()) -> list[str]:
    """Write the files that the page shows, and run the shell block behind them; what ran.

    Args:
        page: in ``docs/``.
        run: of `meta-train`, whose tiny checkpoint stands in the place of the real one.
        place: where the page has that, such as ``runs/load``.
        quick: options of `adapt` that give it less to do.
    """
    shutil.copytree(run / "checkpoint", Path(place) / "checkpoint")
    blocks = read(ROOT / "docs" / page).blocks
    titled = [block for block in blocks if block.title is not None]
    for block in titled:
        Path(str(block.title)).write_text(block.text, encoding="utf-8")
    example = next(
        block for block in blocks if block.language == SHELL and block.line > titled[-1].line
    )
    ran = []
    for line in logical_lines(example.text):
        (words,) = statements(line)
        if words[0] == "python":
            runpy.run_path(words[1], run_name="__main__")
            continue
        assert words[0] == PROGRAM
        less = ["--no-tracking", "--workers", "1", *quick] if words[1] == "adapt" else []
        assert main([*words[1:], *less]) == 0, line
        ran.append(words[1])
    return ran
