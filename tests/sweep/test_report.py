"""The table of a sweep: means, intervals and paired differences, checked by hand."""

from __future__ import annotations

import pytest

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.jobs.outcome import Failure
from fewshot_metalstm.kinds.tagging.tagger.scoring import FIGURE, Score
from fewshot_metalstm.sweep.grid import Key
from fewshot_metalstm.sweep.report import SweepReport, rows_of

KEYS = [Key("t", 5, method, draw) for method in ("meta", "scratch") for draw in range(3)]


def result(draw: int, f1: float | None) -> CellResult:
    score = None if f1 is None else Score(f1, f1 + 1, f1 - 1, 9)
    return CellResult("m", draw, score, 10, 5, 1.0)


def report(results: dict[Key, CellResult]) -> SweepReport:
    failed = tuple((key, Failure("no memory", attempts=2)) for key in KEYS if key not in results)
    return SweepReport(
        rows_of(KEYS, results, FIGURE), "meta", 6, 0, failed, "c", ("t",), ("odd",), 1.0, FIGURE
    )


def test_means_intervals_and_paired_differences() -> None:
    f1 = {"meta": (50.0, 60.0, 70.0), "scratch": (49.0, 58.0, 67.0)}
    meta, scratch = rows_of(
        KEYS, {key: result(key.draw, f1[key.method][key.draw]) for key in KEYS}, FIGURE
    )
    # t(0.975, 2) = 4.302653; the standard deviations are 10, 9 and, of the differences, 1.
    assert (meta.value, scratch.value) != (None, None)
    assert meta.value is not None
    assert scratch.difference is not None
    assert meta.value.mean == 60
    assert meta.value.half == pytest.approx(4.302653 * 10 / 3**0.5, rel=1e-6)
    assert meta.further == {"precision": 61, "recall": 59}
    assert meta.difference is None
    assert (scratch.difference.mean, scratch.paired) == (2, 3)
    assert scratch.difference.half == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert scratch.difference.text("+") == "+2.00 ± 2.48"


def test_missing_cells_are_said_and_only_common_draws_are_paired() -> None:
    found = {key: result(key.draw, 10.0 * key.draw) for key in KEYS}
    del found[KEYS[0]], found[KEYS[5]]
    summary = report(found)
    meta, scratch = summary.rows
    assert (meta.missing, scratch.missing) == (1, 1)
    assert scratch.paired == 1
    assert scratch.difference is not None
    assert scratch.difference.half is None
    head, body = summary.table()
    assert body[0][:4] == ("t (synthetic)", "5", "meta", "2 of 3")
    assert head[-1] == "meta minus it, paired"
    shape = summary.as_dict()
    assert [entry["draw"] for entry in shape["failed"]] == [0, 2]
    assert shape["rows"][0]["draws"] == {"1": 10.0, "2": 20.0}
    page = summary.markdown()
    assert "- failed: t, 5 shots, meta, draw 0: no memory" in page
    assert "- odd" in page


def test_nothing_scored_and_nothing_done() -> None:
    row, empty = rows_of(KEYS, {key: result(key.draw, None) for key in KEYS[:3]}, FIGURE)
    assert (row.value, row.further, row.difference) == (None, {}, None)
    assert empty.missing == 3
    assert report({key: result(key.draw, None) for key in KEYS}).table()[1][0][4] == "-"
