"""A packed matrix: one weight for each row and group of columns, and which column it is of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fewshot_metalstm.compress.combining import Groups, Mask, Matrix, largest


@dataclass(frozen=True)
class Packed:
    """A matrix (rows, columns) in packed columns.

    ``values`` (rows, groups) holds the weight of each row and group, 0 where there is none;
    ``choices`` (rows, groups) its place in the group, 0 where there is none.

    Raises:
        ValueError: parts that do not fit each other, or groups that do not part the columns.
    """

    values: Matrix
    choices: npt.NDArray[np.uint8]
    groups: Groups

    def __post_init__(self) -> None:
        sizes = [len(group) for group in self.groups]
        if self.values.shape != self.choices.shape or self.values.shape[1:] != (len(sizes),):
            raise ValueError("values, choices and groups of different shapes")
        members = sorted(column for group in self.groups for column in group)
        if 0 in sizes or members != list(range(len(members))):
            raise ValueError("groups that do not part the columns")
        if (self.choices >= np.asarray(sizes, np.int64)).any():
            raise ValueError("a weight of a column that its group has not")

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the matrix that is packed."""
        return len(self.values), sum(len(group) for group in self.groups)

    @property
    def weights(self) -> int:
        """How many weights it has."""
        return int(np.count_nonzero(self.values))

    @property
    def utilisation(self) -> float:
        """The weights as a share of the places, rows x packed columns."""
        return self.weights / self.values.size if self.values.size else 0.0

    def columns(self) -> npt.NDArray[np.int32]:
        """The column of each weight, (rows, groups)."""
        padded = np.zeros((len(self.groups), max(map(len, self.groups), default=0)), np.int32)
        for number, group in enumerate(self.groups):
            padded[number, : len(group)] = group
        found: npt.NDArray[np.int32] = padded[np.arange(len(self.groups)), self.choices]
        return found

    def dense(self) -> Matrix:
        """The matrix, (rows, columns), with zeros where no weight is."""
        made = np.zeros(self.shape, self.values.dtype)
        np.put_along_axis(made, self.columns(), self.values, axis=1)
        return made

    def times(self, x: Matrix) -> Matrix:
        """The product with ``x`` (columns, batch), (rows, batch), by the packing: a reference."""
        found: Matrix = np.einsum("rg,rgb->rb", self.values, x[self.columns()])
        return found


def pack(matrix: Matrix, groups: Groups) -> tuple[Packed, Mask]:
    """Pack a matrix; what does not fit, the conflicts of a row, is left out.

    Returns:
        What was packed, and where its weights are, (rows, columns).
    """
    kept = largest(matrix, groups)
    masked = np.where(kept, matrix, 0)
    values = np.zeros((len(matrix), len(groups)), matrix.dtype)
    choices = np.zeros((len(matrix), len(groups)), np.uint8)
    rows = np.arange(len(matrix))
    for number, group in enumerate(groups):
        part = masked[:, list(group)]
        choices[:, number] = (part != 0).argmax(axis=1)
        values[:, number] = part[rows, choices[:, number]]
    return Packed(values, choices, groups), kept
