"""Products with packed columns beside dense ones, interleaved.

The matrices are those of a model's recurrent layers, pruned and packed without retraining. Before
any timing both products must agree in float64. A round multiplies every matrix with a batch of its
own, in one thread and single precision. The packed kernel reads and writes (features, batch), as
its lanes hold the batch; "packed, turned" has the batch turned before and after, as a layer that
keeps (batch, features) would need it. "dense" is this package's kernel, "torch" its ``bmm``. Times
are of the processor, so that other work on the machine counts less.
Run: python -m benchmarks.bench_compress [MODEL] [--rounds N] [--batch N ...]
MODEL is a model's folder or a checkpoint that ships; bionlp by default.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.timing import interleaved, machine, ratio, save, show, spread
from fewshot_metalstm import runs
from fewshot_metalstm.compress.combining import CombiningConfig, Matrix
from fewshot_metalstm.compress.packed import Packed
from fewshot_metalstm.compress.retrain import compressed
from fewshot_metalstm.compress.settings import CompressConfig
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.nn.kernels.packed import add_packed
from fewshot_metalstm.nn.products import times

SETTINGS = ((0.6, 4, 1.75), (0.8, 8, 0.5), (0.8, 8, 1.75))  # sparsity, alpha, gamma
FORMS = ("packed", "packed, turned", "dense", "torch")


class Product:
    """One matrix and its batch, and the forms of their product."""

    def __init__(self, packed: Packed, batch: int, kind: type[np.floating], seed: int) -> None:
        rows, columns = packed.shape
        generator = np.random.default_rng(seed)
        self.x: Matrix = generator.standard_normal((columns, batch)).astype(kind)
        self.values: Matrix = np.ascontiguousarray(packed.values, kind)
        self.columns = np.ascontiguousarray(packed.columns())
        self.left = torch.from_numpy(np.ascontiguousarray(self.x.T)).unsqueeze(0)
        dense = np.ascontiguousarray(packed.dense().T.astype(kind))
        self.right = torch.from_numpy(dense).unsqueeze(0)
        self.rows, self.batch = rows, batch

    def packed(self, x: Matrix | None = None) -> Matrix:
        """(rows, batch)."""
        read = self.x if x is None else x
        y = np.zeros((self.rows, self.batch), read.dtype)
        add_packed(y, self.values, self.columns, read)
        return y

    def turned(self) -> Matrix:
        """(batch, rows), of (batch, columns)."""
        return np.ascontiguousarray(self.packed(np.ascontiguousarray(self.left[0].numpy().T)).T)

    def dense(self) -> torch.Tensor:
        """(1, batch, rows)."""
        return times(self.left, self.right)

    def torch(self) -> torch.Tensor:
        """The same."""
        return torch.bmm(self.left, self.right)


def packings(model: Path, setting: tuple[float, int, float]) -> list[Packed]:
    """The matrices of a model, packed."""
    kind = registry.of_model(model)
    sparsity, columns, conflicts = setting
    config = CompressConfig(sparsity=sparsity, combining=CombiningConfig(columns, conflicts))
    made = compressed(kind.load_model(model).learner, config)
    return [packed for each in made.stored.values() for packed in each.matrices]


def measured(packed: Sequence[Packed], batch: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of every form, and how much longer the dense one takes."""
    for number, each in enumerate(packed):
        one = Product(each, batch, np.float64, number)
        for other in (one.dense()[0].numpy().T, one.turned().T, one.torch()[0].numpy().T):
            np.testing.assert_allclose(one.packed(), other, rtol=1e-10, atol=1e-10)
    products = [Product(each, batch, np.float32, n) for n, each in enumerate(packed)]

    def every(form: str) -> Callable[[], object]:
        methods = [getattr(product, form) for product in products]
        return lambda: [method() for method in methods]

    forms = dict(zip(FORMS, map(every, ("packed", "turned", "dense", "torch")), strict=True))
    found = interleaved(forms, rounds, clock=time.process_time)
    return {
        "batch": batch,
        **{name: spread(found[name]) for name in FORMS},
        "dense_over_packed": ratio(found, "dense", "packed"),
        "dense_over_turned": ratio(found, "dense", "packed, turned"),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, write ``results/compress.json``."""
    parser = argparse.ArgumentParser(description="Time packed products beside dense ones.")
    parser.add_argument("model", nargs="?", default="bionlp", type=Path)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--batch", type=int, nargs="+", default=[16, 64, 256])
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    model = runs.model_folder(runs.adapted_folder(options.model), "checkpoint")
    cells = []
    for setting in SETTINGS:
        packed = packings(model, setting)
        columns = sum(each.shape[1] for each in packed)
        groups = sum(len(each.groups) for each in packed)
        for batch in options.batch:
            cells.append({
                "sparsity": setting[0], "columns": setting[1], "conflicts": setting[2],
                "columns_before": columns, "columns_packed": groups,
                **measured(packed, batch, options.rounds),
            })  # fmt: skip
    heads = ("S, alpha, gamma", "columns", "batch", *FORMS, "dense / packed", "dense / turned")
    rows = [
        (
            f"{c['sparsity']}, {c['columns']}, {c['conflicts']}",
            f"{c['columns_before']} in {c['columns_packed']}", str(c["batch"]),
            *(f"{c[form]['median_ms']:.2f}" for form in FORMS),
            f"{c['dense_over_packed']:.1f}", f"{c['dense_over_turned']:.1f}",
        )
        for c in cells
    ]  # fmt: skip
    show("Milliseconds of all products of a model, median", heads, rows)
    save("compress", {"model": options.model.name, "machine": machine("numba", "numpy", "torch"),
                      "rounds": options.rounds, "cells": cells})  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
