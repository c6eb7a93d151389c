"""Pictures of a user's own: made like MNIST's, said, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.png import read_png
from tests.kinds.digits.builders import pictures


def write(path: Path, pixels: object, mode: str | None = None) -> Path:
    """A PNG file of an array."""
    image = Image.fromarray(np.asarray(pixels))
    (image if mode is None else image.convert(mode)).save(path)
    return path


def test_an_image_like_those_of_mnist_comes_back(tmp_path: Path) -> None:
    image = pictures(4, 0)[0][3]
    notes: list[str] = []
    np.testing.assert_array_equal(read_png(write(tmp_path / "a.png", image), notes.append), image)
    assert notes == []


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colours_become_grey(mode: str, tmp_path: Path) -> None:
    image = pictures(4, 0)[0][3]
    path = write(tmp_path / "a.png", image, mode)
    assert int(np.abs(read_png(path).astype(int) - image).max()) <= 1


def test_dark_on_light_is_inverted_and_said(tmp_path: Path) -> None:
    image = pictures(4, 0)[0][3]
    notes: list[str] = []
    path = write(tmp_path / "a.png", 255 - image)
    np.testing.assert_array_equal(read_png(path, notes.append), image)
    assert [note.partition(": ")[2] for note in notes] == [
        "dark on light, inverted to light on dark"
    ]


def test_another_size_gets_margins_and_is_resized(tmp_path: Path) -> None:
    picture = np.zeros((56, 30), np.uint8)
    picture[10:46, 10:20] = 255
    notes: list[str] = []
    found = read_png(write(tmp_path / "a.png", picture), notes.append)
    assert found.shape == (28, 28)
    assert found[14, 14] > 200
    assert found[:, :6].max() < 20
    assert found[:, 22:].max() < 20
    assert len(notes) == 2


def test_what_is_no_picture_of_a_digit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    good = write(tmp_path / "good.png", pictures(1, 0)[0][0]).read_bytes()
    (tmp_path / "cut.png").write_bytes(good[: len(good) // 2])
    write(tmp_path / "blank.png", np.full((28, 28), 7, np.uint8))
    tall = np.zeros((300_000, 1), np.uint8)
    tall[7] = 255
    write(tmp_path / "tall.png", tall)
    for name, problem in (
        ("tall", r"tall.png: is 1 x 300000 pixels, too long to be .*; make it smaller"),
        ("text", "is no PNG image"), ("cut", "is a damaged PNG image"), ("blank", "is blank"),
        ("absent", "cannot be read"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=problem):
            read_png(tmp_path / f"{name}.png")
