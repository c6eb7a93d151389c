"""Pictures of runs, as PNG or SVG files: learning curves, adaptation curves, F1 against shots.

The suffix of a file's name decides its format. Curves differ in their dashes and points, not only
in their colour. Matplotlib is imported inside the functions and drawn through its Agg canvas,
without a display and without the global state of pyplot.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fewshot_metalstm.writing import beside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEGEND_ROWS, LEGEND_COLUMNS = 12, 3
_DPI = 120
# Apart from each other for eyes that see fewer colours (Okabe and Ito), and in print.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
_DASHES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (3, 1)), (0, (1, 1)))
# More than there are colours, so that a colour comes again with another point.
_POINTS = ("o", "s", "^", "D", "v", "P", "X", "*", "<")
INSIDE = 4  # methods whose names have room among their curves
_SYNTHETIC = " (synthetic corpus)"
# What a metric's name says about its panel; see fewshot_metalstm.tracked_run.
_FIGURES = ("validation_", "query_", "train_", "devel_", "test_")
_PANELS: tuple[tuple[str, Callable[[str], bool], bool], ...] = (
    ("loss (nats)", lambda name: name.startswith("loss"), False),
    ("", lambda name: name.startswith(_FIGURES), False),  # the figure's
    ("learning rate", lambda name: name.endswith("_lr"), True),
    ("gradient norm", lambda name: "grad_norm" in name, True),
)


def learning_curve(
    history: Sequence[Mapping[str, float]],
    path: Path,
    *,
    title: str = "Meta-training",
    synthetic: bool = False,
    step: str = "outer step",
    figure_label: str = "entity F1 (0-100)",
) -> Path:
    """Draw meta-training: a panel each for losses, the figure, learning rates, gradient norms.

    Args:
        history: one mapping an outer step, with ``step`` and metrics under the names that
            :mod:`fewshot_metalstm.tracked_run` explains; metrics may be absent at steps,
            and NaN marks a step that was skipped. Panels without any metric are left out.
        path: the file.
        title: the picture's title.
        synthetic: say in the title that the corpus is synthetic.
        step: what a step is called.
        figure_label: the figure of merit, with its unit.

    Raises:
        ValueError: the history holds nothing to draw.
    """
    names = list(dict.fromkeys(name for row in history for name in row if name != "step"))
    panels = [
        (label or figure_label, chosen, log)
        for label, belongs, log in _PANELS
        if (chosen := [name for name in names if belongs(name)])
    ]
    if not panels:
        raise ValueError("nothing to draw: no row has a loss, a figure, a rate or a norm")
    figure = new_figure(width=7.0, height=1.0 + 2.2 * len(panels))
    grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False)
    axes: list[Axes] = [styled(axis) for axis in grid[:, 0]]
    for axis, (label, chosen, log) in zip(axes, panels, strict=True):
        for name in chosen:
            points = [(row["step"], row[name]) for row in history if name in row]
            _curve(axis, points, name)
        if log and not any(row.get(name, 1.0) <= 0 for row in history for name in chosen):
            axis.set_yscale("log")
        finish(axis, label)
    axes[-1].set_xlabel(step)
    return save(figure, title, path, synthetic=synthetic)


def adaptation_curve(
    curves: Mapping[str, Sequence[tuple[int, float]]],
    path: Path,
    *,
    title: str = "Adaptation",
    ylabel: str = "support loss (nats)",
    synthetic: bool = False,
) -> Path:
    """Draw a quantity against adaptation steps, one line a draw or a method.

    Args:
        curves: label to (step, value) pairs.
        path: the file.
        title: the picture's title.
        ylabel: the quantity and its unit.
        synthetic: say in the title that the corpus is synthetic.

    Raises:
        ValueError: there is no curve.
    """
    if not any(curves.values()):
        raise ValueError("nothing to draw: no adaptation curve has a point")
    figure = new_figure(width=7.0, height=4.0)
    axis = styled(figure.subplots())
    for label, points in curves.items():
        if points:
            _curve(axis, points, label)
    axis.set_xlabel("adaptation step")
    finish(axis, ylabel)
    return save(figure, title, path, synthetic=synthetic)


def shots_curve(
    results: Mapping[str, Sequence[tuple[int, float, float | None]]],
    path: Path,
    *,
    title: str = "Few-shot F1",
    synthetic: bool = False,
    xlabel: str = "shots (mentions of each entity type)",
    ylabel: str = "entity F1 (0-100)",
) -> Path:
    """Draw the mean of a figure against shots, one line a method, with its 95% intervals.

    Args:
        results: method to (shots, mean, half width of the interval or None) triples.
        path: the file.
        title: the picture's title.
        synthetic: say in the title that the corpus is synthetic.
        xlabel: what is counted in shots.
        ylabel: the figure, with its unit.

    Raises:
        ValueError: there is no result.
    """
    shots = sorted({point[0] for points in results.values() for point in points})
    if not shots:
        raise ValueError("nothing to draw: no method has a result")
    figure = new_figure(width=7.0, height=4.0)
    axis = styled(figure.subplots())
    for number, (method, points) in enumerate(results.items()):
        rows = sorted(points, key=lambda point: point[0])
        # Beside each other, so that no interval hides another one.
        aside = 1.025 ** (number - (len(results) - 1) / 2)
        axis.errorbar(
            [row[0] * aside for row in rows],
            [row[1] for row in rows],
            yerr=[row[2] or 0.0 for row in rows],
            label=method,
            marker=_POINTS[number % len(_POINTS)],
            capsize=3,
        )
    axis.set_xscale("log")
    axis.set_xticks(shots, labels=[str(count) for count in shots])
    axis.minorticks_off()
    axis.set_xlabel(xlabel)
    finish(axis, f"{ylabel}\nmean and 95% interval", beside_it=len(results) > INSIDE)
    axis.set_ylim(bottom=0)
    return save(figure, title, path, synthetic=synthetic)


def new_figure(width: float, height: float) -> Figure:
    """A figure of a size in inches, without a display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def styled(axis: Axes) -> Axes:
    """The axis, its curves told apart by colours and dashes."""
    from cycler import cycler  # a part of matplotlib that is a package of its own

    axis.set_prop_cycle(cycler(color=_COLOURS, linestyle=_DASHES))
    return axis


def _curve(axis: Axes, points: Sequence[tuple[float, float]], label: str) -> None:
    finite = sum(math.isfinite(value) for _, value in points)
    # A metric measured now and then is read point by point; a dense one as a line.
    marker = "o" if finite <= 30 else ""
    axis.plot(
        [step for step, _ in points],
        [value for _, value in points],
        label=label.replace("_", " "),
        marker=marker,
        markersize=3,
        linewidth=1.2,
    )


def finish(axis: Axes, ylabel: str, *, beside_it: bool = False) -> None:
    """Label and legend of an axis that has its curves; the legend among them or to their right."""
    axis.set_ylabel(ylabel)
    axis.grid(visible=True, alpha=0.3)
    curves = len(axis.get_legend_handles_labels()[1])
    columns = -(-curves // LEGEND_ROWS)
    if columns <= LEGEND_COLUMNS:  # names of more would leave no room for the curves
        right: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
        axis.legend(
            fontsize="small" if columns == 1 else "xx-small", ncols=max(columns, 1),
            **(right if beside_it else {}),
        )  # fmt: skip


def save(figure: Figure, title: str, path: Path, *, synthetic: bool = False) -> Path:
    """Write a figure in the format of the path's suffix, whole or not at all."""
    from matplotlib.text import Text

    figure.suptitle(title + (_SYNTHETIC if synthetic else ""))
    for text in cast("list[Text]", figure.findobj(Text)):
        # Formulas are in no text of ours: dollars are in names, such as that of the class "$5-$10".
        # The numbers at a logarithmic axis, which are formulas, come only when it is drawn.
        if "$" in text.get_text():
            text.set_parse_math(False)
    with beside(path) as part:
        figure.savefig(part, format=path.suffix.removeprefix("."), dpi=_DPI)
    return path
