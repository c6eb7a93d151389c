"""Explicit generators: every random number of a run is a function of (seed, keys).

No module of this package draws from a global generator. A generator is derived from the run's
seed and a path of names and numbers, such as ``(seed, "episode", step, index)``, so that a
result does not depend on the number of workers or on what else was drawn before.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

Key = str | int


def derive(seed: int, *keys: Key) -> int:
    """Return a 63-bit seed that is a pure function of ``seed`` and ``keys``."""
    path = "\x1f".join([str(int(seed)), *(f"{type(key).__name__}:{key}" for key in keys)])
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big") >> 1


def numpy_generator(seed: int, *keys: Key) -> np.random.Generator:
    """A NumPy generator for ``(seed, *keys)``."""
    return np.random.Generator(np.random.PCG64(derive(seed, *keys)))


def torch_generator(seed: int, *keys: Key) -> torch.Generator:
    """A CPU torch generator for ``(seed, *keys)``."""
    import torch  # here, so that sampling and reading text need no torch

    return torch.Generator().manual_seed(derive(seed, *keys))


@contextmanager
def global_generators(seed: int, *keys: Key) -> Iterator[None]:
    """Python's, NumPy's and torch's global generators, seeded within the block and put back after.

    For libraries that know no other: what they draw is then a function of ``(seed, *keys)`` too.
    """
    import torch

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        random.seed(derive(seed, *keys, "python"))
        np.random.seed(derive(seed, *keys, "numpy") % 2**32)
        torch.manual_seed(derive(seed, *keys, "torch"))
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
