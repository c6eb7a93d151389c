"""How long the products of a model's packed matrices take, packed and dense."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from fewshot_metalstm.compress.packed import Packed
from fewshot_metalstm.machine import one_thread
from fewshot_metalstm.nn.jit import available
from fewshot_metalstm.nn.products import times
from fewshot_metalstm.seeds import numpy_generator

BATCH = 64  # tokens that are multiplied at once
_REPEATS = 25


@dataclass(frozen=True)
class Latency:
    """Microseconds of one product with every packed matrix, in one thread: the best of some runs.

    ``dense`` with the matrix as it was, by the kernel that the model runs with; ``packed`` by the
    kernel for packed columns.
    """

    batch: int
    dense: float
    packed: float


def latency(matrices: Sequence[Packed], seed: int = 0, batch: int = BATCH) -> Latency | None:
    """Time all products, packed and dense by turns; None without numba, which has the kernel.

    The packed kernel reads and writes (features, batch), and the dense one (batch, features).
    """
    if not available() or not matrices:
        return None
    from fewshot_metalstm.nn.kernels.packed import add_packed

    generator = numpy_generator(seed, "latency")
    packed_runs: list[Callable[[], object]] = []
    dense_runs: list[Callable[[], object]] = []
    for packed in matrices:
        rows, columns = packed.shape
        x = generator.standard_normal((columns, batch)).astype(np.float32)
        y = np.zeros((rows, batch), np.float32)
        values = np.ascontiguousarray(packed.values, np.float32)
        chosen = np.ascontiguousarray(packed.columns())
        left = torch.from_numpy(np.ascontiguousarray(x.T)).unsqueeze(0)
        right = torch.from_numpy(np.ascontiguousarray(packed.dense().T, np.float32)).unsqueeze(0)
        packed_runs.append(lambda y=y, v=values, c=chosen, x=x: add_packed(y, v, c, x))  # type: ignore[misc]
        dense_runs.append(lambda left=left, right=right: times(left, right))  # type: ignore[misc]
    with one_thread():
        found: dict[str, list[float]] = {"packed": [], "dense": []}
        for _ in range(_REPEATS + 1):  # the first one compiles
            for name, runs in (("packed", packed_runs), ("dense", dense_runs)):
                began = time.perf_counter()
                for run in runs:
                    run()
                found[name].append(time.perf_counter() - began)
    best = {name: 1e6 * min(each[1:]) for name, each in found.items()}
    return Latency(batch, best["dense"], best["packed"])
