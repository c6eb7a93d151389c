"""Reading MNIST: the four idx files, packed with gzip or not, checked to the last byte.

An idx file is a header of big-endian 32-bit numbers, then one unsigned byte a pixel or label::

    images: 0x00000803, number, rows, columns, pixels row by row
    labels: 0x00000801, number, labels

Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits", section "File formats".
"""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fewshot_metalstm.data import locate
from fewshot_metalstm.data.catalogue import Catalogue, CorpusEntry
from fewshot_metalstm.data.digests import GZIP
from fewshot_metalstm.errors import UserError, at

KIND = "digits"
CORPUS = "mnist"
SIDE = 28  # pixels of a row, and rows of an image
DIGITS = 10
_IMAGES, _LABELS = 0x803, 0x801
_WORDS = {_IMAGES: "images", _LABELS: "labels"}
_CURE = f"copy it again, or type `fewshot-metalstm data fetch {CORPUS}`"

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images of one split of MNIST in the order of its files, and which digit each shows.

    ``sha256`` is that of the unpacked images followed by the unpacked labels, as
    ``zcat IMAGES LABELS | sha256sum`` prints it.
    """

    pixels: Pixels  # (N, 28, 28), 0 is the background and 255 full ink
    labels: NDArray[np.uint8]  # (N,), 0 to 9
    sha256: str


@dataclass(frozen=True)
class Mnist:
    """Both splits of MNIST."""

    train: Labelled
    test: Labelled


def load_mnist(data_dir: Path | None = None, entry: CorpusEntry | None = None) -> Mnist:
    """Read MNIST from where :func:`fewshot_metalstm.data.locate.locate` finds it.

    Args:
        data_dir: the folder to look in first.
        entry: what the files shall be; by default what the catalogue says of ``mnist``.

    Raises:
        UserError: absent, incomplete, damaged or not the catalogue's files.
    """
    entry = entry or Catalogue.load(kind=KIND)[CORPUS]
    files = locate.locate(entry, data_dir)

    def split(name: str) -> Labelled:
        labels = f"{name}-labels"
        known = (entry.files[name].sha256, entry.files[labels].sha256)
        return read_labelled(files[name], files[labels], known)

    return Mnist(split("train"), split("test"))


def read_labelled(
    images: Path, labels: Path, known: tuple[str | None, str | None] = (None, None)
) -> Labelled:
    """Read a file of images and the file of their labels.

    Args:
        known: SHA-256 of the unpacked images and labels; None is not checked.

    Raises:
        UserError: a file that cannot be read, is damaged, holds something else or has another
            SHA-256; or one file that does not belong to the other.
    """
    picture_bytes, label_bytes = _content(images, _IMAGES), _content(labels, _LABELS)
    pixels, digits = parse_images(picture_bytes, images), parse_labels(label_bytes, labels)
    if len(pixels) != len(digits):
        raise at(labels, None, f"has {len(digits)} labels for {len(pixels)} images", _CURE)
    found = hashlib.sha256(picture_bytes)
    digests = (found.hexdigest(), hashlib.sha256(label_bytes).hexdigest())
    for path, digest, expected in zip((images, labels), digests, known, strict=True):
        if expected not in (None, digest):
            problem = "is not the file that the catalogue knows (its SHA-256 differs)"
            raise at(path, None, problem, _CURE)
    found.update(label_bytes)
    return Labelled(pixels, digits, found.hexdigest())


def parse_images(content: bytes, path: Path) -> Pixels:
    """The images of an unpacked idx file, (N, 28, 28); ``path`` is for the message of an error."""
    number, rows, columns = _header(content, path, _IMAGES)
    if (rows, columns) != (SIDE, SIDE):
        problem = f"holds images of {rows} x {columns} pixels"
        raise at(path, None, problem, f"use images of {SIDE} x {SIDE}")
    return _body(content, path, 4, number, SIDE * SIDE).reshape(number, SIDE, SIDE)


def parse_labels(content: bytes, path: Path) -> NDArray[np.uint8]:
    """The labels of an unpacked idx file, (N,), 0 to 9; ``path`` is for the message of an error."""
    (number,) = _header(content, path, _LABELS)
    labels = _body(content, path, 2, number, 1)
    wrong = np.flatnonzero(labels >= DIGITS)
    if len(wrong):
        first = int(wrong[0])
        raise at(path, None, f"has the label {labels[first]} at item {first}, no digit", _CURE)
    return labels


def _header(content: bytes, path: Path, magic: int) -> tuple[int, ...]:
    """The numbers after the magic one."""
    fields = 4 if magic == _IMAGES else 2
    found = struct.unpack(">I", content[:4])[0] if len(content) >= 4 else None
    if found is not None and found != magic:
        other = _WORDS.get(found)
        what = (
            f"holds {other}, not {_WORDS[magic]}" if other else f"is no idx file of {_WORDS[magic]}"
        )
        raise at(path, None, what, "check which file it is")
    if len(content) < 4 * fields:
        raise at(path, None, "is cut off within its header", _CURE)
    numbers: tuple[int, ...] = struct.unpack(f">{fields - 1}I", content[4 : 4 * fields])
    if numbers[0] == 0:
        raise at(path, None, f"holds no {_WORDS[magic]}", _CURE)
    return numbers


def _body(content: bytes, path: Path, fields: int, number: int, each: int) -> NDArray[np.uint8]:
    have, want = len(content) - 4 * fields, number * each
    if have != want:
        problem = f"has {have} bytes after its header, not the {want} that it announces"
        raise at(path, None, problem, _CURE)
    return np.frombuffer(content, np.uint8, offset=4 * fields)


def _content(path: Path, magic: int) -> bytes:
    """The unpacked bytes of a file; at most one more than its header announces."""
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise at(path, None, f"cannot be read ({reason.lower()})", "check the path") from None
    if not data.startswith(GZIP):
        return data
    try:
        with gzip.GzipFile(fileobj=BytesIO(data)) as packed:
            head = packed.read(16 if magic == _IMAGES else 8)
            try:
                announced = int(np.prod(_header(head, path, magic), dtype=object))
            except UserError:
                return head  # whoever parses it says what is wrong
            return head + packed.read(announced + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise at(path, None, f"is a damaged gzip file ({reason})", _CURE) from None
