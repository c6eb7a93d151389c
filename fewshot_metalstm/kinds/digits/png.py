"""A user's own picture of a digit as an image like those of MNIST: 28 x 28, light on dark."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fewshot_metalstm.errors import at
from fewshot_metalstm.kinds.digits.reader import SIDE, Pixels

if TYPE_CHECKING:
    from PIL.Image import Image

_WHITE = 255
_DEEP = 257  # 65535 / 255: from 16 bits a pixel to 8
_LONGEST = 10_000  # pixels of a side where the other is shorter: the square takes 400 MB


def read_png(path: Path, note: Callable[[str], object] | None = None) -> Pixels:
    """Read a PNG file as one image, (28, 28), 0 for the background and 255 for full ink.

    Colours become grey; transparent parts become white. A picture that is not square is given a
    margin in its border's shade, one that is not 28 x 28 is resized, and one whose border is light
    on the mean is inverted, since MNIST's digits are light on dark. Digits of MNIST fill a box of
    20 x 20 within the 28 x 28; a picture with such margins is read best.

    Args:
        path: the file.
        note: called with a line for everything that was done to the picture.

    Raises:
        UserError: no PNG file, a damaged one, one with several pictures, or a blank one.
    """
    say = note or (lambda _: None)
    grey = _grey(path)
    if grey.min() == grey.max():
        raise at(path, None, "is blank: all its pixels are alike", "give a picture of one digit")
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    height, width = grey.shape
    if height != width:
        side = max(height, width)
        if side > _LONGEST:
            problem = f"is {width} x {height} pixels, too long to be given margins to be square"
            raise at(path, None, problem, "make it smaller, or cut the digit out")
        square = np.full((side, side), np.median(border), grey.dtype)
        top, left = (side - height) // 2, (side - width) // 2
        square[top : top + height, left : left + width] = grey
        grey = square
        say(f"{path}: {width} x {height} pixels, given margins to be square")
    if grey.shape != (SIDE, SIDE):
        say(f"{path}: resized from {len(grey)} x {len(grey)} to {SIDE} x {SIDE} pixels")
        grey = _resized(grey)
    if float(border.mean()) > _WHITE / 2:
        grey = _WHITE - grey
        say(f"{path}: dark on light, inverted to light on dark")
    return np.clip(np.rint(grey), 0, _WHITE).astype(np.uint8)


def _grey(path: Path) -> NDArray[np.float32]:
    """The picture in shades from 0 (black) to 255 (white), (height, width)."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=["PNG"]) as image:
                frames = int(getattr(image, "n_frames", 1))
                image.load()
                if frames == 1:
                    return _shades(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise at(path, None, "is far too large a picture", "make it smaller") from None
    except UnidentifiedImageError:
        raise at(path, None, "is no PNG image", "give a PNG file of one digit") from None
    except (OSError, SyntaxError, ValueError, EOFError, zlib.error) as error:
        if isinstance(error, OSError) and error.strerror:
            problem = f"cannot be read ({error.strerror.lower()})"
            raise at(path, None, problem, "check the path") from None
        reason = " ".join(str(error).split())
        raise at(path, None, f"is a damaged PNG image ({reason})", "save it again") from None
    raise at(path, None, f"holds {frames} pictures", "give a file with one")


def _shades(image: Image) -> NDArray[np.float32]:
    from PIL import Image as Images

    if image.mode.startswith("I"):  # 16 bits a pixel
        shades: NDArray[np.float32] = np.asarray(image, np.float32) / np.float32(_DEEP)
        return shades
    paper = Images.new("RGBA", image.size, "white")
    flat = Images.alpha_composite(paper, image.convert("RGBA")).convert("L")
    return np.asarray(flat).astype(np.float32)


def _resized(square: NDArray[np.float32]) -> NDArray[np.float32]:
    from PIL import Image as Images

    image = Images.fromarray(square.astype(np.float32))
    small = image.resize((SIDE, SIDE), Images.Resampling.LANCZOS)
    shades: NDArray[np.float32] = np.asarray(small).astype(np.float32)
    return shades
