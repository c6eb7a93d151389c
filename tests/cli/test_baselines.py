"""Baselines of other packages stand beside a kind's own, or are refused by the package's name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.builders import QUICK, settings
from tests.packages import install, run_with

GROUP = "fewshot_metalstm.baselines"
# A tagger that tags every word that was a mention of one word in the support: what it scores is
# known without it.
SOURCE = """\
from fewshot_metalstm.adapt.baselines import Baseline
from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.adapt.work import Method


def run(cell, target, loaded):
    from fewshot_metalstm.kinds.registry import kind

    number = len(cell.support)
    score = kind("tagging").read_score({"f1": 12.5, "precision": 25, "recall": 8, "mentions": 7})
    return CellResult(cell.called, cell.draw, score, number, number, 0.0)


BASELINE = Baseline("tagging", Method(lambda s, _: "all", lambda s: None, run, checkpoint=False))
OTHER = Baseline("digits", BASELINE.method)
NONE = 3
"""


def others(folder: Path, points: dict[str, str]) -> Path:
    return install(folder / "others", "my-peers", points, {"mine.py": SOURCE}, GROUP)


def adapt(output: Path, *baselines: str) -> list[str]:
    names = [part for name in baselines for part in ("--baseline", name)]
    return ["-m", "fewshot_metalstm", "adapt", "--target", "demo-species", "--shots", "5",
            "--draws", "1", "--output", str(output), "--no-tracking", "--workers", "1",
            "--quiet", "--json", *names, *settings(QUICK)]  # fmt: skip


def test_one_of_another_package_stands_in_the_table(tmp_path: Path, meta_trained: Path) -> None:
    place = others(tmp_path, {"wild": "mine:BASELINE", "elsewhere": "mine:OTHER"})
    done = run_with([place], *adapt(tmp_path / "out", "wild"), "--checkpoint", str(meta_trained))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["baselines"]["wild"]["mean_f1"] == 12.5
    done = run_with(
        [place], *adapt(tmp_path / "other", "elsewhere"), "--checkpoint", str(meta_trained)
    )
    assert done.returncode == 2
    assert "baseline 'elsewhere' is unknown; use scratch, " in done.stderr
    assert "wild" in done.stderr


@pytest.mark.parametrize(
    ("points", "problem"),
    [
        ({"scratch": "mine:BASELINE"}, "registers the baseline 'scratch', which fewshot-metalstm"),
        ({"wild": "mine:NONE"}, "no Baseline but of the type int"),
        ({"wild": "mine:NOWHERE"}, "cannot be used (AttributeError"),
    ],
)
def test_a_broken_one_is_refused_by_name(
    tmp_path: Path, points: dict[str, str], problem: str
) -> None:
    code = (
        "from fewshot_metalstm.kinds.registry import kind\n"
        "from fewshot_metalstm.errors import UserError\n"
        "try:\n    kind('tagging').methods()\n"
        "except UserError as error:\n    print(error)\n"
    )
    done = run_with([others(tmp_path, points)], "-c", code)
    assert done.returncode == 0, done.stderr
    assert problem in done.stdout
    assert "my-peers" in done.stdout
