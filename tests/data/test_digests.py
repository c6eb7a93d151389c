"""Digests of files as they are, with other line ends, and packed."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from fewshot_metalstm.data.digests import catalogued, is_file_with, sha256, unpacked

TEXT = bytes(range(256)) * 40_000  # 10 MB: many pieces


def test_digest_of_a_packed_file_is_that_of_its_content(tmp_path: Path) -> None:
    content = sha256(TEXT)
    for level in (1, 9):
        packed = gzip.compress(TEXT, level)
        assert unpacked(packed) == content
        assert catalogued(packed, content) == content
        assert catalogued(packed, sha256(packed)) == sha256(packed)
        assert catalogued(packed, "else") == sha256(packed)
    path = tmp_path / "x.gz"
    path.write_bytes(packed)
    assert is_file_with(path, content)
    assert not is_file_with(path, sha256(TEXT[:-1]))


@pytest.mark.parametrize("size", [1, 100, 1 << 20, (1 << 20) + 1])
def test_digest_of_packed_files_of_every_size(size: int) -> None:
    assert unpacked(gzip.compress(bytes(size))) == sha256(bytes(size))


def test_digest_of_a_damaged_file_is_that_of_its_bytes() -> None:
    content, packed = sha256(TEXT), gzip.compress(TEXT)
    middle = len(packed) // 2
    for damaged in (
        packed[:-1],
        packed[:middle],
        packed[:3],
        packed + b"x",
        packed[:middle] + bytes(10) + packed[middle + 10 :],
    ):
        assert unpacked(damaged) is None
        assert catalogued(damaged, content) == sha256(damaged)
