"""docs/studies.md has the tables that the studies wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.studies import page
from fewshot_metalstm.errors import UserError

TEXT = """# Studies

<!-- studies -->
old
<!-- end -->

By hand.

<!-- table: one -->
| old |
<!-- end -->

<!-- table: two -->
<!-- end -->
"""
STUDY = "title: First\ntask: digits-69\nseeds: [0, 1]\nrows:\n  a: {}\n"


def test_tables_stand_where_the_page_wants_them(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(STUDY.replace("First", name))
    results = tmp_path / "results"
    results.mkdir()
    (results / "one.md").write_text("# one\n\nAbout.\n\n## Group\n\n| a | \\1 |\n")
    made = page.rendered(TEXT, tmp_path, results)
    assert "<!-- table: one -->\n\nAbout.\n\n#### Group\n\n| a | \\1 |\n\n<!-- end -->" in made
    assert "make study NAME=two\n\nNo run is done yet.\n\n<!-- end -->" in made
    assert "| `one` | one | 0 of 2 |\n| `two` | two | 0 of 2 |\n<!-- end -->" in made
    assert "old" not in made
    assert "By hand." in made
    assert page.rendered(made, tmp_path, results) == made


def test_a_table_of_no_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a table of one, which is no study"):
        page.rendered(TEXT, tmp_path, tmp_path)


def test_the_page_here_is_up_to_date() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.rendered(text) == text, "run python -m benchmarks.studies.page"
