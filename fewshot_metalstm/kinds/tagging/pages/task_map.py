"""A task map as files: a table of losses, a heat map, and a page with both to look at."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fewshot_metalstm.kinds.tagging.adapt.task_map import Row, TaskMap, relative
from fewshot_metalstm.kinds.tagging.adapt.transfer_order import Agreement
from fewshot_metalstm.pages.render import data_uri, write_page
from fewshot_metalstm.tracking.pictures import new_figure, save
from fewshot_metalstm.writing import beside

BEST = 3  # heads of a row that the page names
_CELL, _LABELS = 0.2, 2.9  # inches: a cell, and the room for names beside and below all of them
_LEAST_CELLS = 8  # as many as the scale of colours needs
_MOST = 16.0  # times the row's lowest loss; what is beyond has the same colour


@dataclass(frozen=True)
class Ranked:
    """A row as the page's table has it; heads with their losses in nats a mention."""

    row: Row
    best: tuple[tuple[str, float], ...]
    foreign: tuple[str, float] | None
    own_place: int | None


def write_losses(made: TaskMap, path: Path) -> Path:
    """The losses as a table (CSV), in nats a mention, rows and columns as in the picture."""
    heads = [source.name for source in made.sources]
    with beside(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["target", "type", "split", "sentences", "mentions", *heads])
        for row in made.rows:
            losses = (f"{loss:.4f}" for loss in row.losses)
            writer.writerow([row.target, row.type, row.split, row.sentences, row.mentions, *losses])
    return path


def draw_map(made: TaskMap, path: Path) -> Path:
    """Draw the map as a heat map, PNG or SVG by the path's suffix.

    A cell is the darker the nearer a head's loss is to the lowest of its row. A ring marks the
    lowest, a cross the head that was trained on the row's own type.
    """
    from matplotlib.colors import LogNorm

    losses = np.array([row.losses for row in made.rows])
    rows, columns = losses.shape
    figure = new_figure(
        width=_LABELS + 1 + _CELL * max(columns, _LEAST_CELLS),
        height=_LABELS + 0.4 + _CELL * max(rows, _LEAST_CELLS if rows > 1 else 3),
    )
    axis = figure.subplots()
    image = axis.pcolormesh(
        relative(losses), norm=LogNorm(1, _MOST), cmap="viridis", edgecolors="white", linewidth=0.3
    )
    best = losses.argmin(axis=1) + 0.5
    places = np.arange(rows) + 0.5
    style: dict[str, Any] = {
        "linestyle": "none",
        "markerfacecolor": "none",
        "markeredgecolor": "white",
    }
    axis.plot(best, places, marker="o", markersize=7, label="lowest loss of the row", **style)
    own = [(row.own + 0.5, i + 0.5) for i, row in enumerate(made.rows) if row.own is not None]
    if own:
        axis.plot(*zip(*own, strict=True), marker="x", markersize=4, label="its own head", **style)
    names = [source.name for source in made.sources]
    axis.set_xticks(np.arange(columns) + 0.5, names, rotation=90, fontsize=7)
    axis.set_yticks(places, [row.name for row in made.rows], fontsize=7)
    axis.invert_yaxis()
    axis.set_xlabel("source head (task/type)")
    axis.set_ylabel("target/type")
    axis.tick_params(length=0)
    bar = figure.colorbar(image, ax=axis, extend="max", pad=0.01, aspect=30)
    ticks = [1, 2, 4, 8, 16]
    bar.set_ticks(ticks, labels=[f"{tick}x" for tick in ticks])
    bar.ax.minorticks_off()
    bar.set_label("loss, times the row's lowest")
    legend = axis.legend(
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, fontsize=7, frameon=True,
        facecolor="#3b528b", labelcolor="white",
    )  # fmt: skip
    legend.set_in_layout(True)
    return save(figure, f"Loss of the source heads of {made.checkpoint}", path)


def write_map(
    made: TaskMap, picture: Path, path: Path, agreement: Sequence[Agreement] = ()
) -> Path:
    """Write the page.

    Args:
        picture: of :func:`draw_map`, as SVG.
        agreement: with transfer that was measured, if it was.
    """
    return write_page(
        path, "task_map", package=__package__, title=f"Task map of {made.checkpoint}", page=made,
        rows=ranked(made), agreement=agreement,
        picture=data_uri(picture.read_bytes(), "image/svg+xml"),
    )  # fmt: skip


def ranked(made: TaskMap) -> list[Ranked]:
    """Every row with its best heads, its best of another family, and the place of its own head."""
    found = []
    for row in made.rows:
        foreign = made.best(row, 1, foreign=True)
        place = None if row.own is None else row.ranked().index(row.own) + 1
        found.append(
            Ranked(row, tuple(made.best(row, BEST)), foreign[0] if foreign else None, place)
        )
    return found
