"""A picture of how far a Meta-LSTM moves the weights of its basic LSTM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fewshot_metalstm.tracking.pictures import new_figure, save


def moved_boxes(
    shares: Mapping[str, Sequence[float]], path: Path, *, title: str, synthetic: bool = False
) -> Path:
    """Draw how far tokens move the weights, a box (quartiles; 5% to 95%) for each type."""
    figure = new_figure(width=7.0, height=1.4 + 0.5 * len(shares))
    axis = figure.subplots()
    axis.boxplot(
        [[100 * share for share in each] for each in shares.values()], orientation="horizontal",
        whis=(5, 95), showfliers=False, widths=0.6, medianprops={"color": "black"},
        tick_labels=[f"{name} ({len(each)})" for name, each in shares.items()],
    )  # fmt: skip
    axis.invert_yaxis()
    axis.set_xlim(left=0)
    axis.grid(visible=True, axis="x", alpha=0.3)
    axis.set_xlabel(
        "change of the generated weights at a token\n(% of their norm at the mean z)"
    )  # two lines: one is wider than the axis
    axis.set_ylabel("tagged as (tokens)")
    return save(figure, title, path, synthetic=synthetic)
