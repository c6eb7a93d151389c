"""Pictures: files that a viewer opens, with the words that a reader needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from fewshot_metalstm.tracking import pictures

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words of every picture that is saved."""
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    words: list[str] = []
    save = Figure.savefig

    def keep(figure: Figure, *args: object, **kwargs: object) -> None:
        save(figure, *args, **kwargs)  # type: ignore[arg-type]
        texts = cast("list[Text]", figure.findobj(Text))
        words.extend(text.get_text() for text in texts)

    monkeypatch.setattr(Figure, "savefig", keep)
    return words


def history(steps: int) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = []
    for step in range(1, steps + 1):
        row: dict[str, float] = {"step": step, "loss_before": 2.0, "loss_after": 1.0 / step}
        row |= {"inner_lr": 0.1, "outer_lr": 1e-3, "grad_norm": 1.0 + step % 3}
        if step % 10 == 0:
            row["validation_f1"] = 10.0 + step
        rows.append(row)
    return rows


def test_learning_curve_has_a_panel_a_kind_and_says_synthetic(
    tmp_path: Path, drawn: list[str]
) -> None:
    rows = history(50)
    rows[7]["loss_after"] = math.nan
    path = pictures.learning_curve(rows, tmp_path / "new" / "curve.png", synthetic=True)
    assert path.read_bytes().startswith(PNG)
    assert [file.name for file in path.parent.iterdir()] == ["curve.png"]
    for words in (
        "Meta-training (synthetic corpus)",
        "outer step",
        "loss (nats)",
        "entity F1 (0-100)",
        "learning rate",
        "gradient norm",
        "loss before",
        "validation f1",
    ):
        assert words in drawn


def test_learning_curve_leaves_out_what_was_not_measured(tmp_path: Path, drawn: list[str]) -> None:
    pictures.learning_curve([{"step": 1, "loss_after": 1.0}], tmp_path / "c.png")
    assert "loss (nats)" in drawn
    assert "Meta-training" in drawn
    assert "learning rate" not in drawn
    assert "entity F1 (0-100)" not in drawn


def test_a_rate_of_zero_can_be_drawn(tmp_path: Path) -> None:
    rows = [{"step": 1, "outer_lr": 0.0}, {"step": 2, "outer_lr": 1e-3}]
    assert pictures.learning_curve(rows, tmp_path / "c.png").exists()


def test_adaptation_curve(tmp_path: Path, drawn: list[str]) -> None:
    curves = {"draw 0": [(0, 2.0), (10, 0.5)], "draw 1": [(0, 2.1), (5, 0.9)]}
    path = pictures.adaptation_curve(curves, tmp_path / "a.png", title="Adaptation to x, 5 shots")
    assert path.read_bytes().startswith(PNG)
    for words in ("Adaptation to x, 5 shots", "adaptation step", "draw 0", "draw 1"):
        assert words in drawn


@pytest.mark.parametrize("number", [12, 30, 80])
@pytest.mark.filterwarnings("error")
def test_many_curves_leave_room_for_themselves(
    tmp_path: Path, drawn: list[str], number: int
) -> None:
    curves = {f"method, draw {i}": [(1, 2.0), (2, 1.0)] for i in range(number)}
    pictures.adaptation_curve({**curves, "no curve": []}, tmp_path / "a.png")
    assert ("method, draw 0" in drawn) == (number <= 36)
    assert "no curve" not in drawn


def test_shots_curve(tmp_path: Path, drawn: list[str]) -> None:
    results: dict[str, Sequence[tuple[int, float, float | None]]] = {
        "meta": [(50, 66.0, 2.0), (5, 30.0, None)],
        "scratch": [(5, 20.0, 5.0), (20, 44.0, 3.0)],
    }
    path = pictures.shots_curve(results, tmp_path / "s.png", synthetic=True)
    assert path.read_bytes().startswith(PNG)
    for words in ("Few-shot F1 (synthetic corpus)", "5", "20", "50", "meta", "scratch"):
        assert words in drawn


@pytest.mark.filterwarnings("error")
def test_no_two_methods_look_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    finish = pictures.finish

    def spy(axis: Any, *given: Any, **named: Any) -> None:
        finish(axis, *given, **named)
        for bars in axis.containers:
            line = bars.lines[0]
            looks.append((line.get_color(), line.get_marker()))
        legend, curves = axis.get_legend().get_window_extent(), axis.get_window_extent()
        assert legend.x0 > curves.x1

    monkeypatch.setattr(pictures, "finish", spy)
    points = [(5, 1.0, 1.0), (50, 2.0, None)]
    pictures.shots_curve({f"method {i}": points for i in range(20)}, tmp_path / "s.png")
    assert len(set(looks)) == len(looks) == 20


@pytest.mark.parametrize("number", [36, 80])
@pytest.mark.filterwarnings("error")
def test_many_methods_leave_room_for_their_curves(
    tmp_path: Path, drawn: list[str], number: int
) -> None:
    results = {f"method {i}": [(5, 1.0, 1.0), (50, 2.0, None)] for i in range(number)}
    pictures.shots_curve(results, tmp_path / "s.png")
    assert ("method 0" in drawn) == (number <= 36)


def test_nothing_to_draw_is_an_error_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        pictures.learning_curve([{"step": 1}], tmp_path / "x.png")
    with pytest.raises(ValueError, match="nothing to draw"):
        pictures.adaptation_curve({"draw 0": []}, tmp_path / "x.png")
    with pytest.raises(ValueError, match="nothing to draw"):
        pictures.shots_curve({}, tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_a_name_with_dollars_is_no_formula(tmp_path: Path) -> None:
    figure = pictures.new_figure(width=3, height=2)
    axes = figure.subplots()
    axes.set_xticks(range(2), ["$\\frac$", "$5-$10"])
    axes.set_yscale("log")
    path = pictures.save(figure, "$^$", tmp_path / "a.png")
    assert path.read_bytes().startswith(PNG)
    assert [label.get_parse_math() for label in axes.get_xticklabels()] == [False, False]
    assert all(label.get_parse_math() for label in axes.get_yticklabels())
