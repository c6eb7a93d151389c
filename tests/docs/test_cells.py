"""The page on cells lists what there is."""

from __future__ import annotations

from fewshot_metalstm.nn.cells import CELLS
from tests.docs.pages import ROOT


def test_the_table_of_cells_is_the_registry() -> None:
    rows = [
        f"| `{name}` | {cell.about} | {', '.join(f'`{option}`' for option in cell.options)} |"
        for name, cell in CELLS.items()
    ]
    text = (ROOT / "docs" / "cells.md").read_text(encoding="utf-8")
    assert "\n".join(["| cell | what it is | settings |", "|---|---|---|", *rows]) in text
