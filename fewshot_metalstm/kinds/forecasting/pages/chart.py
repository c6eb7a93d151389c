"""A series as a picture of lines, in SVG: history, forecasts with their interval, what came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from fewshot_metalstm.kinds.forecasting.series import DAY, Floats, hour_text

WIDTH, HEIGHT = 960, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 8, 10, 26  # margins
TICKS = 4  # steps of the value axis, about
# As attributes: a page's policy allows no style but the one that all pages share.
GRID = 'stroke="currentColor" stroke-opacity="0.15"'
END = 'stroke="currentColor" stroke-dasharray="4 4"'
TEXT = 'fill="currentColor" font-size="11"'
BAND = 'fill="#0a7bd4" fill-opacity="0.25"'
ACTUAL = 'fill="none" stroke="currentColor" stroke-width="1"'
FORECAST = 'fill="none" stroke="#0a7bd4" stroke-width="2"'

Scale = Callable[[float], float]


@dataclass(frozen=True)
class Lines:
    """What a picture shows, hour by hour; NaN where there is nothing.

    ``actual`` is (n,), ``quantiles`` (3, n). ``ends`` is where the file ends, as a place in them.
    """

    start: int  # the first hour, since the beginning of 1970
    actual: Floats
    quantiles: Floats
    ends: int


def draw(lines: Lines, title: str) -> Markup:
    """The picture as an SVG element.

    Args:
        title: what it shows, for those who do not see it.
    """
    number = len(lines.actual)
    every = np.concatenate([lines.actual, lines.quantiles.ravel()])
    low, high = float(np.nanmin(every)), float(np.nanmax(every))
    margin = 0.05 * (high - low) or 1.0
    low, high = low - margin, high + margin

    def x(place: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * place / max(1, number - 1)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    parts = [_axes(lines, x, y, low, high)]
    for first, after in _stretches(~np.isnan(lines.quantiles[1])):
        inside = range(first, after)
        up = [f"{x(i):.1f},{y(lines.quantiles[2, i]):.1f}" for i in inside]
        down = [f"{x(i):.1f},{y(lines.quantiles[0, i]):.1f}" for i in reversed(inside)]
        parts.append(f'<polygon {BAND} points="{" ".join(up + down)}"/>')
    parts += _line(lines.actual, ACTUAL, x, y)
    parts += _line(lines.quantiles[1], FORECAST, x, y)
    label = Markup.escape(title)
    return Markup(
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        f"<title>{label}</title>{''.join(parts)}</svg>"
    )


def _line(values: Floats, look: str, x: Scale, y: Scale) -> list[str]:
    return [
        f'<polyline {look} points="'
        + " ".join(f"{x(i):.1f},{y(values[i]):.1f}" for i in range(first, after))
        + '"/>'
        for first, after in _stretches(~np.isnan(values))
    ]


def _axes(lines: Lines, x: Scale, y: Scale, low: float, high: float) -> str:
    parts = []
    for value in ticks(low, high):
        height = y(value)
        parts.append(
            f'<line {GRID} x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" '
            f'y2="{height:.1f}"/><text {TEXT} x="{LEFT - 6}" y="{height + 4:.1f}" '
            f'text-anchor="end">{value:.10g}</text>'
        )
    midnights = [i for i in range(len(lines.actual)) if (lines.start + i) % DAY == 0]
    for i in midnights[:: -(-len(midnights) // 9)]:
        day = hour_text(lines.start + i)[:10]
        parts.append(
            f'<line {GRID} x1="{x(i):.1f}" x2="{x(i):.1f}" y1="{TOP}" '
            f'y2="{HEIGHT - BOTTOM}"/><text {TEXT} x="{x(i):.1f}" y="{HEIGHT - 8}" '
            f'text-anchor="middle">{day}</text>'
        )
    parts.append(
        f'<line {END} x1="{x(lines.ends):.1f}" x2="{x(lines.ends):.1f}" y1="{TOP}" '
        f'y2="{HEIGHT - BOTTOM}"/>'
    )
    return "".join(parts)


def ticks(low: float, high: float) -> Sequence[float]:
    """Round numbers from ``low`` to ``high``, some :data:`TICKS` of them."""
    rough = (high - low) / TICKS
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(m for m in (1, 2, 5, 10) if m * power >= rough)
    first = int(np.ceil(low / step))
    return [step * i for i in range(first, int(np.floor(high / step)) + 1)]


def _stretches(there: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
