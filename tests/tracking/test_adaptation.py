"""The report of an adaptation as a page."""

from __future__ import annotations

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.adapt.report import AdaptReport, MethodReport
from fewshot_metalstm.kinds.tagging.tagger.scoring import FIGURE, Score
from fewshot_metalstm.tracking.adaptation import markdown

HOSTILE = "<script>alert(1)</script>|\x1b[2J"
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;\\|\\x1b[2J"


def test_names_of_the_users_are_no_html() -> None:
    groups = {name: Score(50.0, 40.0, 60.0, 3) for name in (HOSTILE, "Species")}
    cell = CellResult("fomaml", 0, Score(50.0, 40.0, 60.0, 6, groups), 9, 6, 1.0)
    method = MethodReport("fomaml", (cell,))
    report = AdaptReport(
        HOSTILE, 5, "fomaml", "runs/demo/checkpoint", "all", False, method, (), (f"in {HOSTILE}",),
        "", "tagging", "sentences", "tagger", FIGURE,
    )  # fmt: skip
    page = markdown(report)
    assert "<script" not in page
    assert "\x1b" not in page
    assert f"# {SHOWN}, 5 shots" in page
    assert f"| {SHOWN} | 0 | 50.00 | 40.00 | 60.00 |" in page
    assert f"- in {SHOWN}" in page
