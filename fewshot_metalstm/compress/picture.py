"""A picture of packing: the largest matrix as it is, and in packed columns by group's place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fewshot_metalstm.compress.packed import Packed
from fewshot_metalstm.writing import beside

_ROWS = 200  # of the matrix that are drawn: more are no longer seen
_DPI = 120


def draw(name: str, packed: Packed, path: Path, caption: Sequence[str] = ()) -> Path:
    """Draw a matrix and its packed columns, each weight in the colour of its column's place.

    Args:
        name: of the matrix, for the title.
        path: the file; its suffix says its format.
        caption: lines below the panels.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

    rows = min(_ROWS, packed.shape[0])
    columns, most = packed.columns()[:rows], max(len(group) for group in packed.groups)
    there = packed.values[:rows] != 0
    place = packed.choices[:rows].astype(np.float64) + 1
    colours = ListedColormap([(1.0, 1.0, 1.0, 1.0), *_shades(most)])
    sparse = np.zeros((rows, packed.shape[1]))
    np.put_along_axis(sparse, columns.astype(np.int64), np.where(there, place, 0), axis=1)
    small = np.where(there, place, 0)

    figure = Figure(figsize=(10, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    wide = [packed.shape[1], max(len(packed.groups), packed.shape[1] // 6)]
    left, right = figure.subplots(1, 2, width_ratios=wide)
    style = {"cmap": colours, "vmin": -0.5, "vmax": most + 0.5, "aspect": "auto",
             "interpolation": "nearest"}  # fmt: skip
    left.imshow(sparse, **style)
    shown = f"first {rows} of {packed.shape[0]} rows" if rows < packed.shape[0] else f"{rows} rows"
    share = np.count_nonzero(packed.values) / (packed.shape[0] * packed.shape[1])
    left.set_title(f"{name}: {packed.shape[1]} columns, {share:.0%} not zero")
    left.set_xlabel("input")
    left.set_ylabel(f"output ({shown})")
    image = right.imshow(small, **style)
    right.set_title(f"{len(packed.groups)} packed, {packed.utilisation:.0%} used")
    right.set_xlabel("packed column")
    right.set_yticks([])
    bar = figure.colorbar(image, ax=right, ticks=range(most + 1))
    bar.ax.set_yticklabels(["none", *(str(number) for number in range(1, most + 1))])
    bar.set_label("place in the group of columns")
    figure.suptitle("\n".join(caption), fontsize=9)
    with beside(path) as new:
        figure.savefig(new, dpi=_DPI, format=path.suffix[1:])
    return path


def _shades(number: int) -> list[tuple[float, float, float, float]]:
    """So many colours that are told apart, light to dark."""
    from matplotlib import colormaps

    scale = colormaps["viridis"]
    return [scale(0.95 - 0.9 * i / max(1, number - 1)) for i in range(number)]
