"""A made-up MNIST of a few hundred images, in memory and as files, and tiny settings."""

from __future__ import annotations

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from fewshot_metalstm import declarations
from fewshot_metalstm.kinds.digits.encoding import Scaling
from fewshot_metalstm.kinds.digits.learner import DigitReader
from fewshot_metalstm.kinds.digits.model import new_reader
from fewshot_metalstm.kinds.digits.reader import Labelled, Mnist, Pixels
from fewshot_metalstm.kinds.digits.settings import ReaderConfig
from fewshot_metalstm.kinds.digits.tasks import DigitsTask, load_target
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig

TRAIN, TEST = 360, 120  # images of each split
NAMES = {
    "train": "train-images-idx3-ubyte.gz", "train-labels": "train-labels-idx1-ubyte.gz",
    "test": "t10k-images-idx3-ubyte.gz", "test-labels": "t10k-labels-idx1-ubyte.gz",
}  # fmt: skip
SMALL = ReaderConfig(MetaLSTMConfig(hidden=5, meta=3, z=3))
TINY = [
    "reader.lstm.hidden=5", "reader.lstm.meta=3", "reader.lstm.z=3", "joint.steps=3",
    "joint.batch=6", "outer.steps=3", "outer.meta_batch=2", "outer.validate_every=2",
    "inner.steps=1", "episodes.ways_high=3", "episodes.shots_high=2", "episodes.query=3",
    "validation.episodes=2", "validation.ways=3", "validation.shots=2", "validation.query=3",
]  # fmt: skip


def pictures(number: int, seed: int) -> tuple[Pixels, NDArray[np.uint8]]:
    """Images (n, 28, 28) and the digits that they show: a bright box where the digit says."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(10, dtype=np.uint8), -(-number // 10))[:number]
    images = rng.integers(0, 60, (number, 28, 28), dtype=np.uint8)
    for image, digit in zip(images, labels.tolist(), strict=True):
        top, left = 2 + 5 * (digit // 2), 3 + 12 * (digit % 2)
        image[top : top + 5, left : left + 10] += 150
    return images, labels


def idx(images: Pixels, labels: NDArray[np.uint8]) -> tuple[bytes, bytes]:
    """The unpacked idx files of images and labels."""
    number = len(labels)
    return (
        struct.pack(">4I", 0x803, number, 28, 28) + images.tobytes(),
        struct.pack(">2I", 0x801, number) + labels.tobytes(),
    )


def made_up(train: int = TRAIN, test: int = TEST) -> Mnist:
    """A made-up MNIST in memory."""

    def split(number: int, seed: int) -> Labelled:
        images, labels = pictures(number, seed)
        return Labelled(images, labels, hashlib.sha256(b"".join(idx(images, labels))).hexdigest())

    return Mnist(split(train, 0), split(test, 1))


def write_mnist(folder: Path) -> dict[str, str]:
    """Write the files of :func:`made_up`; SHA-256 of their unpacked content, by entry."""
    folder.mkdir(parents=True)
    mnist, digests = made_up(), {}
    for name, labelled in (("train", mnist.train), ("test", mnist.test)):
        files = idx(labelled.pixels, labelled.labels)
        for entry, content in zip((name, f"{name}-labels"), files, strict=True):
            (folder / NAMES[entry]).write_bytes(gzip.compress(content))
            digests[entry] = hashlib.sha256(content).hexdigest()
    return digests


def declare(folder: Path, digests: dict[str, str]) -> Path:
    """Declarations whose mnist is the made-up one; draws are not frozen."""
    catalogue = yaml.safe_load((declarations.folder() / "catalogue.yaml").read_text("utf-8"))
    entry = catalogue["corpora"]["mnist"]
    for name, digest in digests.items():
        entry["files"][name] |= {"sha256": digest}
    (folder / "suites").mkdir(parents=True)
    (folder / "catalogue.yaml").write_text(yaml.safe_dump(catalogue), "utf-8")
    for path in (declarations.folder() / "suites").glob("*.yaml"):
        (folder / "suites" / path.name).write_text(path.read_text("utf-8"), "utf-8")
    return folder


def target(name: str = "digits-6789") -> DigitsTask:
    """A target of the made-up MNIST."""
    return load_target(name, made_up())


def reader(config: ReaderConfig = SMALL, seed: int = 0, classes: int = 1) -> DigitReader:
    """A small reader in double precision."""
    return new_reader(config, seed, classes).double()


def scaling() -> Scaling:
    """That of the made-up MNIST."""
    return Scaling.of([target()])
