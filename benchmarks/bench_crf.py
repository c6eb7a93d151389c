"""The CRF's loss with its gradient, and decoding, beside pytorch-crf and torch-struct, interleaved.

All are given the same emissions and transitions; illegal ones are -1e4 for the peers, which know no
others. Before any timing, losses and gradients by emissions and by our abstract transitions must
agree in float64. The peers hold a score for every pair of tags and get their gradient by those.
torch-struct takes the potentials of all pairs of tags, whose making is in its time; it works on
B * T * K^3 numbers, and where these are too many it is checked but not timed (a second a call). The
first calls, in which numba compiles, are not timed.
Run: python -m benchmarks.bench_crf [--rounds N] [--threads N ...]
Peers, each left out where it is missing: pip install pytorch-crf torch-struct
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from benchmarks.timing import interleaved, machine, ratio, save, show, spread, verdict
from fewshot_metalstm.nn import jit
from fewshot_metalstm.nn.crf import negative_log_likelihood, viterbi
from fewshot_metalstm.nn.transitions import TRANSITIONS, expand, transition_index

PEERS = {"pytorch-crf": "torchcrf", "torch-struct": "torch_struct"}
# sentences, tokens, tags; whether lengths are drawn from T/4 to T
CELLS = (
    (1, 5, 5, False), (1, 40, 9, False), (10, 30, 5, False), (32, 40, 9, False), (32, 40, 9, True),
    (64, 5, 5, False), (8, 200, 9, False), (16, 40, 33, False), (64, 80, 17, False),
)  # fmt: skip
GOALS = {(32, 40, 9): 4.0, (10, 30, 5): 2.0}  # over pytorch-crf; 1 anywhere else
MASK = -1e4
TIMED = 1e7  # B * T * K^3 up to which torch-struct is timed
COLUMNS = {
    "loss_gradient": ("ours", "ours, plain", "pytorch-crf", "torch-struct"),
    "decoding": ("ours", "pytorch-crf"),
}
Loss = Callable[[], Tensor]


class Problem:
    """Emissions, scores, legal gold tags and lengths; a loss for each package."""

    def __init__(self, cell: tuple[int, int, int, bool], dtype: torch.dtype) -> None:
        batch, steps, tags, ragged = cell
        generator = torch.Generator().manual_seed(0)
        shape = (batch, steps, tags)
        self.types = (tags - 1) // 4
        self.lengths = torch.full((batch,), steps)
        if ragged:
            self.lengths = torch.randint(steps // 4, steps + 1, (batch,), generator=generator)
            self.lengths[0] = steps
        self.emissions = torch.randn(shape, generator=generator).to(dtype).requires_grad_()
        self.scores = torch.randn(len(TRANSITIONS), generator=generator).to(dtype).requires_grad_()
        paths = viterbi(torch.randn(shape, generator=generator), self.scores.float(), self.lengths)
        self.tags = torch.nn.utils.rnn.pad_sequence([torch.tensor(p) for p in paths], True)
        self.mask = torch.arange(steps) < self.lengths.unsqueeze(1)
        full = (x.detach().clamp(min=MASK) for x in expand(self.scores, self.types))
        self.inner, self.start, self.end = (torch.nn.Parameter(x) for x in full)
        self.crf = self._pytorch_crf()

    def ours(self, plain: bool = False) -> Tensor:
        """Our loss, summed."""
        each = negative_log_likelihood(
            self.emissions, self.scores, self.tags, self.lengths, plain=plain
        )
        return each.sum()

    def peers(self) -> dict[str, Loss]:
        """The losses of those peers that are installed and can take this problem."""
        found: dict[str, Loss] = {}
        if self.crf is not None:
            crf = self.crf
            found["pytorch-crf"] = lambda: -crf(self.emissions, self.tags, self.mask, "sum")
        if find_spec("torch_struct") is not None:
            found["torch-struct"] = self._torch_struct()
        return found

    def _pytorch_crf(self) -> Any:
        """The module of pytorch-crf with our scores as its parameters; None if it is missing."""
        if find_spec("torchcrf") is None:
            return None
        module = import_module("torchcrf").CRF(len(self.start), batch_first=True)
        module.transitions, module.start_transitions = self.inner, self.start
        module.end_transitions = self.end
        return module

    def _torch_struct(self) -> Loss:
        distribution = import_module("torch_struct").LinearChainCRF
        distribution.arg_constraints = {}  # or torch warns that it has none

        def loss() -> Tensor:
            emissions, lengths, tags = self.emissions, self.lengths, self.tags
            # Entry n, j, i: tag i at n and j at n + 1. The first also holds what comes before it.
            pairs = self.inner.t() + emissions[:, 1:].unsqueeze(3)
            first = (self.start + emissions[:, 0])[:, None, None, None, :]
            last = (
                self.end[:, None]
                * (torch.arange(1, emissions.shape[1]) == lengths.unsqueeze(1) - 1).to(emissions)[
                    :, :, None, None
                ]
            )
            pairs = torch.cat([pairs[:, :1] + first.squeeze(1), pairs[:, 1:]], dim=1) + last
            chain = distribution(pairs, lengths=lengths)
            local = emissions.gather(2, tags.unsqueeze(2)).squeeze(2)
            moves = self.inner[tags[:, :-1], tags[:, 1:]] * self.mask[:, 1:]
            ends = self.end[tags.gather(1, lengths.unsqueeze(1) - 1).squeeze(1)]
            gold = (local * self.mask).sum() + moves.sum()
            gold = gold + self.start[tags[:, 0]].sum() + ends.sum()
            total: Tensor = chain.partition.sum() - gold
            return total

        return loss

    def gradient(self, name: str, loss: Loss) -> tuple[Tensor, ...]:
        """The loss and its gradients, by emissions and by whatever transitions ``name`` holds."""
        own = name.startswith("ours")
        inputs = [self.emissions, *((self.scores,) if own else (self.inner, self.start, self.end))]
        value = loss()
        return (value.detach(), *torch.autograd.grad(value, inputs))

    def abstract(self, gradients: tuple[Tensor, ...]) -> Tensor:
        """From gradients by pairs of tags, the start and the end to those by our scores."""
        total = self.scores.new_zeros(len(TRANSITIONS) + 1)
        for index, gradient in zip(transition_index(self.types), gradients, strict=True):
            total.index_add_(0, index.flatten() % len(total), gradient.flatten())
        return total[:-1]


def check(cell: tuple[int, int, int, bool]) -> None:
    """Stop unless all losses and gradients agree in float64."""
    problem = Problem(cell, torch.float64)
    forms = {"ours, plain": lambda: problem.ours(plain=True), **problem.peers()}
    loss, by_emission, by_score = problem.gradient("ours", problem.ours)
    for name, form in forms.items():
        value, emissions, *rest = problem.gradient(name, form)
        found = rest[0] if len(rest) == 1 else problem.abstract(tuple(rest))
        for a, b in ((loss, value), (by_emission, emissions), (by_score, found)):
            if not torch.allclose(a, b, rtol=1e-8, atol=1e-8):
                raise AssertionError(f"{name} differs from ours: {float((a - b).abs().max()):.3g}")


def measure(cell: tuple[int, int, int, bool], rounds: int) -> dict[str, Any]:
    """Times of loss and gradient, and of decoding, at one size, in float32."""
    check(cell)
    batch, steps, tags, ragged = cell
    problem = Problem(cell, torch.float32)
    losses: dict[str, Loss] = {
        "ours": problem.ours,
        "ours, plain": lambda: problem.ours(plain=True),
    }
    losses |= problem.peers()
    if batch * steps * tags**3 > TIMED:
        losses.pop("torch-struct", None)

    def call(name: str, loss: Loss) -> Callable[[], object]:
        return lambda: problem.gradient(name, loss)

    forms = {name: call(name, loss) for name, loss in losses.items()}
    decoders: dict[str, Callable[[], object]] = {
        "ours": lambda: viterbi(problem.emissions, problem.scores, problem.lengths),
    }
    if problem.crf is not None:
        crf = problem.crf

        def decode() -> object:
            with torch.no_grad():
                return crf.decode(problem.emissions, problem.mask)

        decoders["pytorch-crf"] = decode
        if decode() != decoders["ours"]():
            raise AssertionError("the decoded tags differ")
    result: dict[str, Any] = {
        "sentences": batch, "tokens": steps, "tags": tags, "ragged": ragged,
    }  # fmt: skip
    for kind, chosen in (("loss_gradient", forms), ("decoding", decoders)):
        times = interleaved(chosen, rounds)
        result[kind] = {
            "times": {name: spread(values) for name, values in times.items()},
            "over_ours": {n: ratio(times, n, "ours") for n in times if n != "ours"},
        }
    return result


def row(cell: Mapping[str, Any], threads: int) -> list[str]:
    """A line of the table."""
    size = (cell["sentences"], cell["tokens"], cell["tags"])
    shown = [f"{threads}", "x".join(map(str, size)) + (" ragged" if cell["ragged"] else "")]
    for kind, names in COLUMNS.items():
        for name in names:
            found = cell[kind]["times"].get(name)
            shown.append(f"{found['median_ms']:.3f}" if found else "-")
    over = cell["loss_gradient"]["over_ours"].get("pytorch-crf")
    shown.append("-" if over is None else verdict(over, GOALS.get(size, 1.0)))
    return shown


def main() -> None:
    """Measure, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    missing = [name for name, module in PEERS.items() if find_spec(module) is None]
    if missing:
        print(f"not installed, left out: {', '.join(missing)}", file=sys.stderr)
    if not jit.available():
        print("numba is missing or switched off: ours is the plain form", file=sys.stderr)
    result: dict[str, Any] = {
        **machine("torch", "numba", *PEERS), "rounds": arguments.rounds, "cells": [],
    }  # fmt: skip
    rows = []
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        for cell in CELLS:
            measured = measure(cell, arguments.rounds)
            result["cells"].append({"threads": threads, **measured})
            rows.append(row(measured, threads))
    head = ["threads", "BxTxK", *COLUMNS["loss_gradient"], "decode", "pytorch-crf's",
            "loss: pytorch-crf / ours"]  # fmt: skip
    show("CRF in float32: loss and gradient, then decoding; median ms", head, rows)
    save("crf", result)


if __name__ == "__main__":
    main()
