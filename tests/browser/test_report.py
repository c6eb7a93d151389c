"""A report in a browser: its pictures are drawn, its parts are reached, it fits a narrow screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.kinds.tagging.kind import TAGGING
from fewshot_metalstm.kinds.tagging.tagger.scoring import Score
from fewshot_metalstm.pages.report import pictures, write_report
from fewshot_metalstm.pages.runs import Runs, Training
from fewshot_metalstm.sweep.comparison import Found, compare
from fewshot_metalstm.sweep.grid import Key


def cells() -> list[Found]:
    """Two methods, two numbers of shots, two draws, two types."""
    found = []
    for method, plus in (("fomaml", 20.0), ("scratch", 0.0)):
        for shots in (5, 50):
            for draw in (0, 1):
                f1 = plus + shots / 2 + draw
                types = {"Gene": Score(f1, f1, f1, 5), "<b>Drug</b>": Score(f1, f1, f1, 4)}
                result = CellResult(method, draw, Score(f1, f1, f1, 9, types), 9, 9, 1.0,
                                    (3.0, 2.0, 1.0 + draw))  # fmt: skip
                found.append(Found(Key("goal", shots, method, draw), "a", result, "run"))
    return found


def test_report(page: Any, tmp_path: Path) -> None:
    history = [{"step": float(i), "loss_before": 2.0, "loss_after": 1.0} for i in range(4)]
    rates = [{"step": float(i), "head": 0.1, "body": 0.1 + i / 100} for i in range(4)]
    training = Training(
        Path("runs/<i>x</i>"), "demo", "meta-sgd", history, [], rates, True, TAGGING
    )
    runs = Runs((Path("runs/<i>x</i>"),), (training,), (), tuple(cells()))
    comparison = compare(runs.cells)
    sections = pictures(runs, comparison, [])
    path = write_report(runs, comparison, [], sections, tmp_path / "r.html", ["<script>"])
    page.goto(path.as_uri())
    drawn = page.evaluate("Array.from(document.images, i => [i.naturalWidth > 0, i.alt !== ''])")
    assert drawn == [[True, True]] * 5  # shots, two adaptations, outer loop, rates
    assert page.locator("i, td b").count() == 0
    page.locator("nav a", has_text="Meta-training").click()
    assert 0 <= page.locator("#training").bounding_box()["y"] < 900  # it was far below
    page.set_viewport_size({"width": 390, "height": 800})
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
