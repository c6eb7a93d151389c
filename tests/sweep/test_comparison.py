"""One table of cells from anywhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.tagger.scoring import Score
from fewshot_metalstm.sweep.comparison import Found, compare
from fewshot_metalstm.sweep.grid import Key


def cell(
    method: str, draw: int, f1: float, *, shots: int = 5, target: str = "t", start: str = "runs/a",
    synthetic: bool = False, sentences: int = 3,
) -> Found:  # fmt: skip
    result = CellResult(method, draw, Score(f1, f1, f1, 9), sentences, 4, 1.0)
    return Found(Key(target, shots, method, draw), start, result, "run", synthetic)


def test_rows_in_order_with_paired_differences() -> None:
    cells = [
        cell("fomaml", 0, 50.0, shots=50), cell("fomaml", 0, 30.0), cell("fomaml", 1, 40.0),
        cell("scratch", 1, 30.0), cell("scratch", 0, 26.0), cell("scratch", 0, 1.0, target="u"),
    ]  # fmt: skip
    made = compare(cells)
    assert [(r.target, r.shots, r.method) for r in made.rows] == [
        ("t", 5, "fomaml"), ("t", 5, "scratch"), ("t", 50, "fomaml"), ("u", 5, "scratch"),
    ]  # fmt: skip
    assert made.first == "fomaml"
    difference = made.rows[1].difference
    assert difference is not None
    assert difference.mean == pytest.approx(7.0)
    assert made.rows[3].difference is None
    turned = compare(cells, "scratch").rows
    assert [r.method for r in turned[:2]] == ["scratch", "fomaml"]
    assert turned[1].difference is not None
    assert turned[1].difference.mean == pytest.approx(-7.0)


def test_the_newer_of_two_counts_and_is_told() -> None:
    made = compare([cell("fomaml", 0, 10.0), cell("fomaml", 0, 20.0)])
    assert made.rows[0].value is not None
    assert made.rows[0].value.mean == 20.0
    assert made.notes[0].startswith("1 older result is left out")


def test_two_checkpoints_of_one_algorithm_are_two_methods() -> None:
    made = compare([
        cell("fomaml", 0, 10.0, start="runs/a/checkpoint"),
        cell("fomaml", 0, 20.0, start="runs/b/checkpoint"),
        cell("crf", 0, 5.0, start=""), cell("crf", 1, 5.0, start="runs/b/checkpoint"),
        cell("fomaml", 0, 1.0, start="runs/c/checkpoint", target="u"),
    ])  # fmt: skip
    assert [(r.target, r.method) for r in made.rows] == [
        ("t", "fomaml (a)"), ("t", "fomaml (b)"), ("t", "crf"), ("u", "fomaml"),
    ]  # fmt: skip
    assert made.notes == ()
    nested = compare([
        cell("fomaml", 0, 1.0, start="x/run/checkpoint"),
        cell("fomaml", 0, 2.0, start="y/run/checkpoint"),
    ])  # fmt: skip
    assert [r.method for r in nested.rows] == ["fomaml (x/run)", "fomaml (y/run)"]


def test_an_adaptation_goes_by_its_checkpoint_unless_a_baseline_is_called_so() -> None:
    labelled = replace(cell("joint", 0, 10.0, start="runs/mine"), label="mine")
    from_a_sweep = cell("joint", 1, 20.0, start="runs/mine")
    other = cell("joint", 0, 5.0, start="runs/theirs")
    taken = replace(cell("joint", 0, 1.0, start="runs/crf", target="u"), label="crf")
    made = compare([labelled, from_a_sweep, other, taken, cell("crf", 0, 2.0, target="u")])
    assert [(r.target, r.method, len(r.draws)) for r in made.rows] == [
        ("t", "mine", 2), ("t", "joint", 1), ("u", "joint", 1), ("u", "crf", 1),
    ]  # fmt: skip


def test_all_of_a_file_at_two_sizes_is_two_methods() -> None:
    """Adapt, annotate more, adapt again: both are in the table, with what it brought."""
    made = compare([
        cell("fomaml", 0, 50.0, shots=0, sentences=50), cell("crf", 0, 20.0, shots=0, sentences=50),
        cell("fomaml", 0, 60.0, shots=0, sentences=70),
    ])  # fmt: skip
    methods = ["fomaml (50 sentences)", "crf", "fomaml (70 sentences)"]
    assert [r.method for r in made.rows] == methods
    assert made.rows[2].difference is not None
    assert made.rows[2].difference.mean == -10.0
    assert made.notes == ()
    # Supports of frozen draws differ in size, and mean the same everywhere.
    drawn = compare([
        cell("fomaml", 0, 50.0, sentences=9), cell("fomaml", 1, 52.0, sentences=11)
    ])  # fmt: skip
    assert [r.method for r in drawn.rows] == ["fomaml"]


def test_nothing_and_no_such_method_are_refused() -> None:
    with pytest.raises(UserError, match="nothing to compare"):
        compare([])
    with pytest.raises(UserError, match="use fomaml"):
        compare([cell("fomaml", 0, 1.0)], "x")
    assert compare([cell("fomaml", 0, 1.0, synthetic=True)]).synthetic == ("t",)


def test_what_was_not_scored_hides_no_figure() -> None:
    scored = cell("fomaml", 0, 10.0)
    unscored = replace(scored, result=replace(scored.result, score=None))
    for cells in ([scored, unscored], [unscored, scored]):
        made = compare(cells)
        assert made.rows[0].value is not None
        assert made.rows[0].value.mean == 10.0
        assert made.notes == ()
