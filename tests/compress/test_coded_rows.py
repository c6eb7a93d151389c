"""Product codes of word vectors: near to the rows, and read back from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from fewshot_metalstm.compress.coded_rows import BOOK, Floats, coded
from fewshot_metalstm.compress.stored import read_tensors
from fewshot_metalstm.tensors import write_tensors


def rows(number: int, size: int = 10) -> Floats:
    made = np.random.default_rng(0).standard_normal((number, size)).astype(np.float32)
    made[0] = 0
    return made


def test_rows_are_near_and_longer_codes_are_nearer() -> None:
    given = rows(700)
    off = [float(np.abs(coded(given, n, 0).rows() - given).mean()) for n in (2, 5, 10)]
    assert off[0] > off[1] > off[2]
    assert off[2] < 0.02
    assert not coded(given, 5, 0).rows()[0].any()


def test_as_many_distinct_pieces_as_a_book_holds_are_kept() -> None:
    given = np.repeat(rows(BOOK), 3, axis=0)
    lengths = np.linalg.norm(given, axis=1)
    found = coded(given, 5, 0).rows().astype(np.float32)
    assert np.abs(found - given).max() < 0.01 * lengths.max()


def test_a_file_holds_them(tmp_path: Path) -> None:
    made = coded(rows(50, 7), 3, 0)  # the last piece is longer than what is left
    write_tensors(made.tensors("vectors.matrix"), tmp_path / "x.safetensors")
    read = read_tensors(tmp_path / "x.safetensors")
    assert list(read) == ["vectors.matrix"]
    assert torch.equal(read["vectors.matrix"], torch.from_numpy(made.rows()))
    assert read["vectors.matrix"].shape == (50, 7)


@pytest.mark.parametrize("pieces", [0, 11])
def test_pieces_that_cannot_be_are_refused(pieces: int) -> None:
    with pytest.raises(ValueError, match="pieces"):
        coded(rows(5), pieces, 0)


def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    parts = coded(rows(50), 5, 0).tensors("v")
    for name, value in (("v@size", torch.tensor([10**9])), ("v@lengths", torch.zeros(3))):
        write_tensors({**parts, name: value}, tmp_path / "x.safetensors")
        with pytest.raises(ValueError, match="v: "):
            read_tensors(tmp_path / "x.safetensors")
