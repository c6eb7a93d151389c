"""Rows of numbers as they are stored: in half precision, or in a byte a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Quantised:
    """Rows of numbers, a byte each: number j of row i is ``codes[i, j] * scales[i]``.

    The largest number of a row is 127 steps of its scale, so that none is off by more than half
    a step. Indexed as an array is, it gives those rows alone in single precision.
    """

    codes: npt.NDArray[np.int8]  # (N, size)
    scales: Array  # (N,)

    def __post_init__(self) -> None:
        if self.codes.ndim != 2 or self.scales.shape != self.codes.shape[:1]:
            shapes = f"{self.codes.shape} and {self.scales.shape}"
            raise ValueError(f"codes and scales of the shapes {shapes} do not fit")

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, size)."""
        return self.codes.shape

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Sequence[int] | slice) -> Array:
        """The rows at some indices, (len(rows), size)."""
        return self.codes[rows] * self.scales[rows, None]


Rows = npt.NDArray[np.float16] | Quantised


def quantise(rows: Rows) -> Quantised:
    """Rows in a byte a number, one scale a row; those that are so already are left alone."""
    if isinstance(rows, Quantised):
        return rows
    full = rows.astype(np.float32)
    largest = np.abs(full).max(axis=1, initial=0.0)
    scales = np.where(largest > 0, largest / 127, 1.0).astype(np.float32)
    codes = np.rint(full / scales[:, None]).astype(np.int8)
    return Quantised(codes, scales)
