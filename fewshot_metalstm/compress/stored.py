"""Compressed weights in a file of tensors, and back.

A compressed parameter NAME of a model's ``model.safetensors`` is stored as the tensors

- ``NAME@shape`` (int64): its shape, and last 1 if outputs stand before inputs, else 0;
- ``NAME@values``: the packed matrices one below the other, (packed columns of all, rows), as
  float32 or int8;
- ``NAME@steps`` (float32): of int8, the step of each row, (matrices, rows);
- ``NAME@groups`` (uint8): how many columns each packed column holds;
- ``NAME@members`` (uint8 up to 256 columns, else int32): these columns, group by group;
- ``NAME@choices`` (uint8): which of its group's columns each weight is of, half a byte each,
  (packed columns of all, half of the rows).

The last three are missing where every column stands alone. All other tensors of the file are as in
a model that is not compressed. Word vectors may be in product codes
(:mod:`fewshot_metalstm.compress.coded_rows`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fewshot_metalstm.compress.coded_rows import CODES, taken
from fewshot_metalstm.compress.combining import MOST_COLUMNS, Groups
from fewshot_metalstm.compress.matrices import Layout
from fewshot_metalstm.compress.packed import Packed
from fewshot_metalstm.compress.quantising import codes, steps

MARK = "@"  # no name of a parameter has it
_SHAPE, _VALUES, _STEPS = "@shape", "@values", "@steps"
_GROUPS, _MEMBERS, _CHOICES = "@groups", "@members", "@choices"
_MOST_DIMENSIONS = 8
_NARROW = 256  # columns whose numbers are a byte each


@dataclass(frozen=True)
class Stored:
    """A compressed parameter: its matrices, packed, and whether they are kept in 8 bits."""

    layout: Layout
    matrices: tuple[Packed, ...]
    int8: bool

    def tensors(self, name: str) -> dict[str, Tensor]:
        """The tensors that a file holds of it."""
        layout = self.layout
        found = {name + _SHAPE: torch.tensor([*layout.shape, int(layout.turned)])}
        values = [torch.from_numpy(np.ascontiguousarray(p.values)) for p in self.matrices]
        if self.int8:
            each = [steps(matrix) for matrix in values]
            found[name + _STEPS] = torch.stack([step[:, 0] for step in each]).float()
            values = [codes(m, s) for m, s in zip(values, each, strict=True)]
        found[name + _VALUES] = torch.cat([matrix.T for matrix in values]).contiguous()
        if any(len(group) > 1 for matrix in self.matrices for group in matrix.groups):
            groups = [group for matrix in self.matrices for group in matrix.groups]
            sizes = np.array([len(group) for group in groups], np.uint8)
            narrow = np.uint8 if layout.columns <= _NARROW else np.int32
            members = np.array([column for group in groups for column in group], narrow)
            choices = np.concatenate([p.choices.T for p in self.matrices])
            found[name + _GROUPS] = torch.from_numpy(sizes)
            found[name + _MEMBERS] = torch.from_numpy(members)
            found[name + _CHOICES] = torch.from_numpy(_halves(choices))
        return found

    def value(self) -> Tensor:
        """The parameter as the model computes with it, float32."""
        dense = []
        for packed in self.matrices:
            values = torch.from_numpy(packed.values)
            if self.int8:
                step = steps(values)
                values = codes(values, step).to(values.dtype) * step
            dense.append(Packed(values.numpy(), packed.choices, packed.groups).dense())
        return self.layout.join(dense)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, compressed ones as the parameters that they stand for.

    Of a file without compressed ones it is what safetensors' ``load_file`` gives.

    Raises:
        ValueError: tensors that do not fit each other.
        LookupError: one is missing.
    """
    from safetensors.torch import load_file

    tensors = load_file(path)
    for name in [key.removesuffix(_SHAPE) for key in tensors if key.endswith(_SHAPE)]:
        parts = {key: tensors.pop(key) for key in list(tensors) if key.startswith(name + MARK)}
        tensors[name] = _taken(name, parts)
    for name in [key.removesuffix(CODES) for key in tensors if key.endswith(CODES)]:
        parts = {key: tensors.pop(key) for key in list(tensors) if key.startswith(name + MARK)}
        tensors[name] = taken(name, parts)
    return tensors


def _taken(name: str, parts: Mapping[str, Tensor]) -> Tensor:
    """The parameter of its tensors."""
    layout, values = _layout(parts[name + _SHAPE]), parts[name + _VALUES]
    if values.dim() != 2 or values.shape[1] != layout.rows:
        raise ValueError(f"{name}: values of another shape")
    groups = _groups(name, parts, layout, len(values))
    choices = np.zeros(values.shape, np.uint8)
    if name + _CHOICES in parts:
        choices = _whole(parts[name + _CHOICES].numpy(), layout.rows)
    step = parts[name + _STEPS] if values.dtype == torch.int8 else None
    if step is not None and step.shape != (layout.number, layout.rows):
        raise ValueError(f"{name}: steps of another shape")
    dense, first = [], 0
    for number, of_matrix in enumerate(groups):
        rows = slice(first, first + len(of_matrix))
        own = values[rows].T.float()
        if step is not None:
            own = own * step[number].unsqueeze(1)
        dense.append(Packed(own.contiguous().numpy(), choices[rows].T, of_matrix).dense())
        first += len(of_matrix)
    return layout.join(dense)


def _layout(stored: Tensor) -> Layout:
    numbers = [int(n) for n in stored.flatten()[: _MOST_DIMENSIONS + 1].tolist()]
    layout = Layout(tuple(numbers[:-1]), bool(numbers[-1]))
    if len(layout.shape) < 2 or min(layout.shape) < 1:
        raise ValueError("a shape that cannot be")
    return layout


def _groups(name: str, parts: Mapping[str, Tensor], layout: Layout, packed: int) -> list[Groups]:
    """The groups of each matrix.

    The matrices are no more than :data:`MOST_COLUMNS` times as large as what is stored: that is
    checked here, before memory is taken for them.
    """
    columns, number = layout.columns, layout.number
    if name + _GROUPS not in parts:
        if packed != columns * number:
            raise ValueError(f"{name}: {packed} columns for {number} matrices of {columns}")
        return [tuple((column,) for column in range(columns))] * number
    sizes: npt.NDArray[np.int64] = parts[name + _GROUPS].numpy().astype(np.int64)
    members = parts[name + _MEMBERS].numpy()
    if len(sizes) != packed or sizes.max(initial=1) > MOST_COLUMNS or sizes.min(initial=1) < 1:
        raise ValueError(f"{name}: groups that cannot be")
    if sizes.sum() != columns * number or len(members) != columns * number:
        raise ValueError(f"{name}: groups of other columns")
    ends = np.cumsum(sizes)
    found: list[list[tuple[int, ...]]] = [[] for _ in range(number)]
    for end, size in zip(ends.tolist(), sizes.tolist(), strict=True):
        if (end - size) // columns != (end - 1) // columns:
            raise ValueError(f"{name}: a group of two matrices")
        found[(end - 1) // columns].append(tuple(members[end - size : end].tolist()))
    return [tuple(groups) for groups in found]


def _halves(choices: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Numbers below 16, two a byte; the first in the lower half."""
    if choices.shape[1] % 2:
        choices = np.pad(choices, ((0, 0), (0, 1)))
    made = choices[:, ::2] | (choices[:, 1::2] << 4)
    return np.ascontiguousarray(made, np.uint8)


def _whole(halves: npt.NDArray[np.uint8], columns: int) -> npt.NDArray[np.uint8]:
    """The numbers of :func:`_halves`, (.., columns)."""
    made = np.empty((len(halves), 2 * halves.shape[1]), np.uint8)
    made[:, ::2], made[:, 1::2] = halves & 15, halves >> 4
    if not columns <= made.shape[1] <= columns + 1:
        raise ValueError("choices of another shape")
    return np.ascontiguousarray(made[:, :columns])
