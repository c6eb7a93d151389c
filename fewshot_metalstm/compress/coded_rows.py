"""Word vectors in product codes: some bytes a row in place of one a number.

A row is scaled to length 1 and cut into pieces; each piece is the nearest of 256 in a book that all
rows share, and a byte says which. The length is kept beside it in half precision. The pieces of a
book are means of the pieces they stand for (k-means, from distinct pieces that are drawn), and are
kept in 8 bits themselves.

Source: Jegou, Douze, Schmid, "Product Quantization for Nearest Neighbor Search", TPAMI 2011; for
word vectors Joulin et al., "FastText.zip: Compressing text classification models", 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fewshot_metalstm.seeds import numpy_generator

BOOK = 256
LONGEST = 64  # numbers of a piece at most, so that a file cannot ask for much more than it holds
_ROUNDS = 12
_LEARNED_FROM = 16_384  # rows at most
_AT_ONCE = 8192
CODES = "@codes"  # after the name of a tensor of rows
_BOOK, _STEPS, _LENGTHS, _SIZE = "@book", "@steps", "@lengths", "@size"

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class CodedRows:
    """Rows of ``size`` numbers in codes: ``codes`` (N, pieces), ``book`` (pieces, 256, width).

    ``steps`` (pieces,) are those of the book's numbers, ``lengths`` (N,) the lengths of the rows.
    The last piece may be longer than what is left of a row.
    """

    codes: npt.NDArray[np.uint8]
    book: npt.NDArray[np.int8]
    steps: Floats
    lengths: npt.NDArray[np.float16]
    size: int

    def rows(self) -> npt.NDArray[np.float16]:
        """The rows, (N, size), in half precision as word vectors are kept."""
        pieces, _, width = self.book.shape
        whole = np.empty((len(self.codes), pieces, width), np.float16)
        lengths = self.lengths.astype(np.float32)[:, None]
        for piece in range(pieces):
            means = self.book[piece].astype(np.float32) * self.steps[piece]
            whole[:, piece] = means[self.codes[:, piece]] * lengths
        return np.ascontiguousarray(whole.reshape(len(whole), -1)[:, : self.size])

    def tensors(self, name: str) -> dict[str, Tensor]:
        """The tensors that a file holds of them."""
        return {
            name + CODES: torch.from_numpy(self.codes),
            name + _BOOK: torch.from_numpy(self.book),
            name + _STEPS: torch.from_numpy(self.steps),
            name + _LENGTHS: torch.from_numpy(self.lengths),
            name + _SIZE: torch.tensor([self.size]),
        }


def coded(rows: Floats, pieces: int, seed: int) -> CodedRows:
    """Rows (N, size) in codes of so many bytes each, a function of ``seed``.

    Raises:
        ValueError: more pieces than numbers, or pieces that are too long.
    """
    count, size = rows.shape
    if not 1 <= pieces <= size or size > LONGEST * pieces:
        raise ValueError(f"{pieces} pieces of {size} numbers")
    width = -(-size // pieces)
    lengths = np.linalg.norm(rows, axis=1).astype(np.float16)
    safe = np.where(lengths > 0, lengths.astype(np.float32), 1.0)
    unit = np.zeros((count, pieces * width), np.float32)
    unit[:, :size] = rows / safe[:, None]
    parts = unit.reshape(count, pieces, width)
    book = np.zeros((pieces, BOOK, width), np.int8)
    steps = np.ones(pieces, np.float32)
    codes = np.zeros((count, pieces), np.uint8)
    for piece in range(pieces):
        generator = numpy_generator(seed, "coded-rows", piece)
        chosen = np.ascontiguousarray(parts[:, piece])
        means = _learned(chosen, generator)
        steps[piece] = np.abs(means).max() / 127 or 1.0
        book[piece] = np.rint(means / steps[piece])
        codes[:, piece] = _nearest(chosen, book[piece] * steps[piece])
    return CodedRows(codes, book, steps, lengths, size)


def _learned(parts: Floats, generator: np.random.Generator) -> Floats:
    """256 pieces that stand for all, as k-means finds them."""
    if len(parts) > _LEARNED_FROM:
        parts = parts[generator.choice(len(parts), _LEARNED_FROM, replace=False)]
    distinct = np.unique(parts, axis=0)
    start = generator.permutation(len(distinct))[:BOOK]
    means = np.zeros((BOOK, parts.shape[1]), np.float32)
    means[: len(start)] = distinct[start]
    for _ in range(_ROUNDS if len(distinct) > BOOK else 0):
        nearest = _nearest(parts, means)
        counts = np.bincount(nearest, minlength=BOOK)
        sums = np.stack(
            [np.bincount(nearest, parts[:, n], BOOK) for n in range(parts.shape[1])], axis=1
        )
        filled = counts > 0  # one that stands for nothing stays where it is
        means[filled] = (sums[filled] / counts[filled, None]).astype(np.float32)
    return means


def _nearest(parts: Floats, means: Floats) -> npt.NDArray[np.uint8]:
    """Which of the means each piece is nearest to, (N,)."""
    half = (means**2).sum(axis=1) / 2
    found = np.empty(len(parts), np.uint8)
    for first in range(0, len(parts), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        found[some] = (half - parts[some] @ means.T).argmin(axis=1)
    return found


def taken(name: str, parts: dict[str, Tensor]) -> Tensor:
    """The rows of the tensors of :meth:`CodedRows.tensors`, in half precision.

    Raises:
        ValueError: they do not fit each other.
        LookupError: one is missing.
    """
    codes, book, steps, lengths = (
        parts[name + end].numpy() for end in (CODES, _BOOK, _STEPS, _LENGTHS)
    )
    size = int(parts[name + _SIZE])
    fits = codes.ndim == 2 and book.ndim == 3 and book.shape[:2] == (codes.shape[1], BOOK)
    if not fits or steps.shape != book.shape[:1] or lengths.shape != codes.shape[:1]:
        raise ValueError(f"{name}: codes, book and lengths do not fit")
    if not (book.shape[2] <= LONGEST and 0 < size <= book.shape[0] * book.shape[2]):
        raise ValueError(f"{name}: rows of {size} numbers")
    return torch.from_numpy(CodedRows(codes, book, steps, lengths, size).rows())
