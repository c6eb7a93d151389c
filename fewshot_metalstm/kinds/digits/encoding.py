"""Images as tensors: rows of numbers, scaled and centred as the meta-train images are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fewshot_metalstm.kinds.digits.reader import Pixels
from fewshot_metalstm.kinds.digits.tasks import DigitsTask
from fewshot_metalstm.kinds.digits.warp import Floats, warped

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Batch:
    """Images of one task as a learner takes them."""

    rows: Tensor  # (B, 28, 28): image, row from the top, pixel from the left
    labels: Tensor  # (B,) of int64 in [0, classes)
    classes: int  # of the task; a batch need not have all of them

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Batch:
        """This batch on a device."""
        return Batch(self.rows.to(device), self.labels.to(device), self.classes)


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation of a pixel (0 to 255) over meta-train images.

    They are made once, before any weight, and belong to a checkpoint.
    """

    mean: float
    deviation: float

    @classmethod
    def of(cls, tasks: Iterable[DigitsTask], split: str = "train") -> Scaling:
        """Those of the images that episodes of ``tasks`` come from; an image shared counts once.

        Turning an image changes neither number.
        """
        images = {id(task.splits[split]): task.splits[split].pixels for task in tasks}
        count, total, squares = 0, 0, 0
        for pixels in images.values():
            number = np.bincount(pixels.reshape(-1), minlength=256)
            value = np.arange(256)
            count += int(number.sum())
            total += int(number @ value)
            squares += int(number @ value**2)
        mean = total / count
        deviation = float(np.sqrt(squares / count - mean**2))
        return cls(mean, deviation or 1.0)

    def rows(self, images: Pixels | Floats) -> Tensor:
        """Images (n, 28, 28), pixels from 0 to 255, scaled and centred, of the same shape."""
        return torch.from_numpy((images.astype(np.float32) - self.mean) / self.deviation)


def encode(
    task: DigitsTask, split: str, positions: Sequence[int] | NDArray[np.int64], scaling: Scaling,
    device: torch.device = CPU, warps: Floats | None = None,
) -> Batch:  # fmt: skip
    """Images of a task's split as a batch with the labels of all of the task's classes.

    Args:
        warps: of each of the task's classes, (classes, 2, 3); None leaves images as they are.
    """
    labels = task.labels(split, positions)
    images: Pixels | Floats = task.images(split, positions)
    if warps is not None:
        images = warped(task.images(split, positions), warps[labels])
    rows = scaling.rows(images)
    return Batch(rows, torch.from_numpy(labels), len(task.classes)).to(device)
