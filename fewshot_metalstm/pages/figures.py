"""Pictures that only a report has: adaptation as bands, learned rates, what a Meta-LSTM moves.

As in :mod:`fewshot_metalstm.tracking.pictures`, a path's suffix says whether it becomes PNG or SVG.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from fewshot_metalstm.tracking.pictures import finish, new_figure, save, styled


def adaptation_bands(
    losses: Mapping[str, Sequence[Sequence[float]]], path: Path, *, title: str,
    synthetic: bool = False,
) -> Path:  # fmt: skip
    """Draw the support loss by epoch: the mean of a method's draws, and from least to greatest.

    Args:
        losses: by method, a sequence for each draw; one that stopped early keeps its last value.
    """
    figure = new_figure(width=7.0, height=4.0)
    axis = styled(figure.subplots())
    for method, draws in losses.items():
        epochs = max(len(draw) for draw in draws)
        padded = [[*draw, *[draw[-1]] * (epochs - len(draw))] for draw in draws]
        columns = [[v for v in column if math.isfinite(v)] for column in zip(*padded, strict=True)]
        steps = [i for i, column in enumerate(columns, start=1) if column]
        kept = [column for column in columns if column]
        label = f"{method} ({len(draws)} draw{'s' * (len(draws) > 1)})"
        (line,) = axis.plot(steps, [sum(c) / len(c) for c in kept], label=label, linewidth=1.4)
        if len(draws) > 1:
            axis.fill_between(steps, [min(c) for c in kept], [max(c) for c in kept], alpha=0.18,
                              color=line.get_color(), linewidth=0)  # fmt: skip
    axis.set_xlabel("epoch over the support")
    axis.locator_params("x", integer=True)
    finish(axis, "support loss (nats)\nmean, least and greatest of the draws")
    axis.set_ylim(bottom=0)
    return save(figure, title, path, synthetic=synthetic)


def rates_curve(
    history: Sequence[Mapping[str, float]], path: Path, *, title: str, synthetic: bool = False
) -> Path:
    """Draw learned inner rates by outer step, one line for each group of parameters."""
    figure = new_figure(width=7.0, height=4.0)
    axis = styled(figure.subplots())
    for name in dict.fromkeys(name for row in history for name in row if name != "step"):
        points = [(row["step"], row[name]) for row in history if name in row]
        axis.plot(*zip(*points, strict=True), label=name, linewidth=1.3)
    axis.ticklabel_format(axis="y", useOffset=False)
    axis.set_xlabel("outer step")
    finish(axis, "learned inner rate, mean of its parameters")
    return save(figure, title, path, synthetic=synthetic)
