"""Reading idx files: what is right comes back, what is wrong is refused in one line."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.reader import (
    load_mnist,
    parse_images,
    parse_labels,
    read_labelled,
)
from tests.kinds.digits.builders import idx, made_up, pictures

PLACE = Path("file")


@pytest.mark.parametrize("packed", [True, False])
def test_images_and_labels_come_back(packed: bool, tmp_path: Path) -> None:
    images, labels = pictures(7, 3)
    for name, content in zip(("i", "l"), idx(images, labels), strict=True):
        (tmp_path / name).write_bytes(gzip.compress(content) if packed else content)
    found = read_labelled(tmp_path / "i", tmp_path / "l")
    np.testing.assert_array_equal(found.pixels, images)
    np.testing.assert_array_equal(found.labels, labels)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "cut off within its header"),
        (b"PK\x03\x04", "is no idx file of images"),
        (struct.pack(">2I", 0x801, 1) + b"\x01", "holds labels, not images"),
        (struct.pack(">2I", 0x803, 1), "cut off within its header"),
        (struct.pack(">4I", 0x803, 0, 28, 28), "holds no images"),
        (struct.pack(">4I", 0x803, 1, 32, 32) + bytes(1024), "32 x 32 pixels"),
        (struct.pack(">4I", 0x803, 2, 28, 28) + bytes(784), "784 bytes after its header"),
        (struct.pack(">4I", 0x803, 1, 28, 28) + bytes(785), "785 bytes after its header"),
    ],
)
def test_what_are_no_images_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        parse_images(content, PLACE)


def test_a_label_that_is_no_digit_is_refused() -> None:
    with pytest.raises(UserError, match="the label 10 at item 1"):
        parse_labels(struct.pack(">2I", 0x801, 2) + b"\x09\x0a", PLACE)


def test_a_damaged_packing_another_number_and_another_file_are_refused(tmp_path: Path) -> None:
    images, labels = idx(*pictures(5, 0))
    (tmp_path / "i").write_bytes(images)
    (tmp_path / "l").write_bytes(labels)
    (tmp_path / "cut").write_bytes(gzip.compress(images)[:-20])
    (tmp_path / "few").write_bytes(idx(*pictures(4, 0))[1])
    with pytest.raises(UserError, match="is a damaged gzip file"):
        read_labelled(tmp_path / "cut", tmp_path / "l")
    with pytest.raises(UserError, match="4 labels for 5 images"):
        read_labelled(tmp_path / "i", tmp_path / "few")
    with pytest.raises(UserError, match="its SHA-256 differs"):
        read_labelled(tmp_path / "i", tmp_path / "l", ("0" * 64, None))
    with pytest.raises(UserError, match="cannot be read"):
        read_labelled(tmp_path / "absent", tmp_path / "l")


def test_the_declared_files_are_found(world: Path) -> None:
    found, expected = load_mnist(), made_up()
    np.testing.assert_array_equal(found.test.pixels, expected.test.pixels)
    assert found.train.sha256 == expected.train.sha256
    with pytest.raises(UserError, match="is no folder"):
        load_mnist(world / "absent")


def test_the_real_files_are_those_of_the_catalogue(real_mnist: Path) -> None:
    found = load_mnist(real_mnist)
    assert found.train.pixels.shape == (60000, 28, 28)
    assert found.test.pixels.shape == (10000, 28, 28)
    assert np.bincount(found.test.labels).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
