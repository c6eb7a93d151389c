"""From segments to tensors: rows of text, each read from a little before what it is scored on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fewshot_metalstm.kinds.language_model.tasks import Span, TextTask

BYTES = 256
START = BYTES  # the symbol that stands before a document's first byte
SYMBOLS = BYTES + 1
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Batch:
    """Rows of text, padded to one length T."""

    symbols: Tensor  # (B, T) of int64: what is read, bytes and START
    targets: Tensor  # (B, T) of int64: the byte that comes next
    weight: Tensor  # (B, T): 1 where that byte is scored
    lengths: Tensor  # (B,) of int64: how much of a row is text
    characters: int  # that the scored bytes are

    @property
    def bytes(self) -> int:
        """How many bytes are scored."""
        return int(self.weight.sum())


def rows_of(spans: Sequence[Span], row: int) -> list[Span]:
    """Spans cut into rows of ``row`` segments; the last of a span may be shorter."""
    return [
        (first, min(first + row, stop))
        for start, stop in spans
        for first in range(start, stop, row)
    ]


def encode(task: TextTask, rows: Sequence[Span], context: int, device: torch.device = CPU) -> Batch:
    """A batch of rows.

    Args:
        rows: segments, a span a row, each within a document.
        context: bytes before a row that are read and not scored, as far as its document has them.
    """
    codes, cuts = task.codes, task.cuts
    lengths, parts = [], []
    for start, stop in rows:
        begin = int(task.begins[task.number(start)])
        first, last = int(cuts[start]), int(cuts[stop])
        low = max(begin, first - context)
        read = codes[max(low - 1, begin) : last].astype(np.int64)
        if low == begin:
            read = np.concatenate([[START], read])
        parts.append((read, first - low))
        lengths.append(len(read) - 1)
    longest = max(lengths)
    symbols = np.full((len(rows), longest), START)
    targets = np.zeros((len(rows), longest), np.int64)
    weight = np.zeros((len(rows), longest), np.float32)
    for i, ((read, before), length) in enumerate(zip(parts, lengths, strict=True)):
        symbols[i, :length], targets[i, :length] = read[:-1], read[1:]
        weight[i, before:length] = 1
    return Batch(
        torch.from_numpy(symbols).to(device), torch.from_numpy(targets).to(device),
        torch.from_numpy(weight).to(device), torch.tensor(lengths, device=device),
        task.size(rows),
    )  # fmt: skip
