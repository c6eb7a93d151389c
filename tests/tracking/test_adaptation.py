"""The report of an adaptation as a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from unittest.mock import MagicMock

import pytest
import torch

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.adapt.report import AdaptReport, MethodReport
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.registry import kind
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig
from fewshot_metalstm.kinds.tagging.tagger.scoring import FIGURE, Score
from fewshot_metalstm.tracked_run import Run
from fewshot_metalstm.tracking import adaptation
from fewshot_metalstm.tracking.adaptation import log_cell, markdown, tracked_adaptation
from tests.kinds.tagging.tagger.builders import TARGET


class Named:
    """A run that keeps the names of its children."""

    def __init__(self) -> None:
        self.names: list[str] = []

    @contextmanager
    def child(self, name: str, **_: Any) -> Iterator[Any]:
        self.names.append(name)
        yield MagicMock()


@pytest.mark.parametrize(
    ("shots", "how", "name"),
    [
        (50, "from mtl-bio", "my50, 50 shots, draw 1, from mtl-bio"),
        (0, "scratch", "my50, all 9 sentences, draw 1, scratch"),
    ],
)
def test_a_draw_is_named_as_people_look_for_it(shots: int, how: str, name: str) -> None:
    run = Named()
    cell = CellResult("joint", 1, None, 9, 6, 1.0)
    log_cell(cast(Run, run), kind("tagging"), "my50", shots, "joint", cell, "ships/mtl-bio", how)
    assert run.names == [name]


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


def test_what_is_refused_opens_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = MagicMock()
    monkeypatch.setattr(adaptation, "open_tracker", opened)
    config = AdaptRunConfig(baselines=("magic",))
    with pytest.raises(UserError, match="baseline 'magic' is unknown"):
        tracked_adaptation(
            tmp_path, TARGET, config, tmp_path / "out", device=torch.device("cpu"), workers=1,
            on_cell=None, uri=None,
        )  # fmt: skip
    opened.assert_not_called()
