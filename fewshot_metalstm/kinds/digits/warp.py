"""New classes out of old ones: a class's images, all turned, slanted and stretched alike.

The suite has two dozen classes. A meta-learner soon knows them by heart, and learns to recognise
them where it should learn to adapt to classes that it never met. So each class of an episode is
given a warp of its own, which its support and query images share. Joint training, whose classes
have to stay the same, warps each image by itself.

Source: class augmentation by rotation in Santoro et al., "Meta-Learning with Memory-Augmented
Neural Networks", ICML 2016, section 4.1; why it helps: Rajendran et al., "Meta-Learning Requires
Meta-Augmentation", NeurIPS 2020.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import affine_grid, grid_sample

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.reader import Pixels

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class WarpConfig:
    """How far images are from those of the suite; with all at 0 they are left alone."""

    angle: float = 20.0  # degrees that an image is turned by, either way, at most
    slant: float = 0.3  # columns that it is shifted by a row, either way, at most
    stretch: float = 0.2  # share that it is widened and heightened by, or narrowed, at most
    mirror: float = 0.0  # chance that it is mirrored


NO_WARP = WarpConfig(0.0, 0.0, 0.0, 0.0)


def check_warp(config: WarpConfig, section: str = "warp") -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    for name, most in (("angle", 180.0), ("slant", 2.0), ("stretch", 0.5), ("mirror", 1.0)):
        value = getattr(config, name)
        if not 0 <= value <= most:
            raise UserError(f"{section}.{name} is {value:g}; use 0 to {most:g}")


def draw_warps(config: WarpConfig, number: int, rng: np.random.Generator) -> Floats:
    """A warp for each of ``number`` classes: (number, 2, 3), from places shown to places taken.

    Coordinates are (column, row), -1 to 1 from edge to edge.
    """
    found = np.zeros((number, 2, 3), np.float32)
    for one in found:
        angle = math.radians(rng.uniform(-config.angle, config.angle))
        slant = rng.uniform(-config.slant, config.slant)
        wide, high = 1 + rng.uniform(-config.stretch, config.stretch, 2)
        sign = -1.0 if rng.random() < config.mirror else 1.0
        turn = np.array([
            [math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)],
        ])  # fmt: skip
        one[:, :2] = turn @ np.array([[1.0, slant], [0.0, 1.0]]) @ np.diag([sign / wide, 1 / high])
    return found


def warped(images: Pixels, warps: Floats) -> Floats:
    """Images (n, 28, 28) each under its warp (n, 2, 3), between pixels as a mean; dark outside."""
    given = torch.from_numpy(images.astype(np.float32)).unsqueeze(1)
    grid = affine_grid(torch.from_numpy(warps), list(given.shape), align_corners=False)
    found = grid_sample(given, grid, padding_mode="zeros", align_corners=False)
    result: Floats = found.squeeze(1).numpy()
    return result
