"""The Meta-LSTM's forms and torch's LSTM: forward and backward, interleaved.

Before any timing the forms must agree in outputs and gradients. Sentences have lengths drawn
uniformly from T/4 to T. ``nn.LSTM`` (bidirectional, same inputs and outputs, padding computed) is
another, smaller model: it shows what a plain recurrent layer costs here. GFLOP/s count the
multiplications and additions of the matrix products that the lengths ask for, with nothing counted
for padding.
Run: python -m benchmarks.bench_metalstm [--rounds N] [--threads N ...]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.timing import interleaved, machine, ratio, save, show, spread, verdict
from fewshot_metalstm.machine import keep_freed_memory
from fewshot_metalstm.nn import jit
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.layer import layer_by_hand, layer_plain
from fewshot_metalstm.nn.metalstm import MetaLSTM

INPUTS = 156
SIZES = ((16, 32), (32, 48))  # sentences, longest sentence
Forward = Callable[[], Tensor]


def make(batch: int, steps: int) -> tuple[MetaLSTM, tuple[Tensor, Tensor, Tensor]]:
    """A model of default size, and a batch: words (U, inputs), index (B, T), lengths (B,)."""
    generator = torch.Generator().manual_seed(0)
    model = MetaLSTM(INPUTS, MetaLSTMConfig(), generator)
    lengths = torch.randint(steps // 4, steps + 1, (batch,), generator=generator)
    lengths[0] = steps
    count = int(lengths.sum()) * 6 // 10  # distinct words of so many tokens, roughly
    words = torch.randn(count, INPUTS, generator=generator, requires_grad=True)
    return model, (words, torch.randint(0, count, (batch, steps), generator=generator), lengths)


def check(forms: dict[str, Forward], inputs: list[Tensor]) -> None:
    """Stop unless all forms give the same outputs and gradients, up to rounding."""
    results = []
    for forward in forms.values():
        output = forward()
        results.append([output, *torch.autograd.grad(output.square().sum(), inputs)])
    for first, *others in zip(*results, strict=True):
        scale = float(first.detach().abs().max())
        for other in others:
            torch.testing.assert_close(first, other, rtol=1e-3, atol=1e-4 * scale)


def gflop(model: MetaLSTM, tokens: int, words: int) -> float:
    """Of forward and backward, both directions, the gradients of words included."""
    c = model.config
    recurrent = c.hidden * 4 * (c.meta + c.z + c.hidden) + c.meta * (4 * c.meta + c.z)
    generated = 4 * c.z * c.hidden * 2
    inputs = INPUTS * 4 * (c.meta + c.z + c.hidden)
    return 3 * 2 * 2 * (tokens * (recurrent + generated) + words * inputs) / 1e9


def backward(forward: Forward) -> None:
    """One forward and backward pass."""
    torch.autograd.backward(forward().square().sum())


def silent(forward: Forward) -> None:
    """One forward pass without a graph."""
    with torch.no_grad():
        forward()


def measure(batch: int, steps: int, rounds: int) -> dict[str, Any]:
    """Median and quartiles in milliseconds of every form at one size."""
    model, (words, index, lengths) = make(batch, steps)
    lstm = nn.LSTM(INPUTS, model.config.hidden, batch_first=True, bidirectional=True)
    layers = {"by hand": layer_by_hand, "plain": layer_plain}
    if jit.available():
        from fewshot_metalstm.nn.fused import layer_fused

        layers = {"compiled": layer_fused, **layers}

    def run(name: str) -> Tensor:
        model.form = layers[name]
        output: Tensor = model(words, index, lengths)
        return output

    def form(name: str) -> Forward:
        return lambda: run(name)

    forms = {name: form(name) for name in layers}
    check(forms, [words, *model.parameters()])
    forms["nn.LSTM"] = lambda: lstm(words[index])[0]
    tokens = int(lengths.sum())
    result: dict[str, Any] = {
        "sentences": batch, "steps": steps, "tokens": tokens, "distinct_words": len(words),
        "gflop": gflop(model, tokens, len(words)),
    }  # fmt: skip
    best = next(iter(layers))
    for kind, call in (("forward_backward", backward), ("forward_no_grad", silent)):
        timed = {name: (lambda f=f, call=call: call(f)) for name, f in forms.items()}
        times = interleaved(timed, rounds)
        result[kind] = {name: spread(taken) for name, taken in times.items()}
        result[kind]["fastest"] = best
        result[kind]["plain_over_fastest"] = ratio(times, "plain", best)
        result[kind]["fastest_over_lstm"] = ratio(times, best, "nn.LSTM")
    return result


def main() -> None:
    """Measure, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    threads = torch.get_num_threads()
    keep_freed_memory()  # as the commands do
    cells = []
    try:
        for count in arguments.threads:
            torch.set_num_threads(count)
            cells += [{"threads": count, **measure(*s, arguments.rounds)} for s in SIZES]
    finally:
        torch.set_num_threads(threads)
    config = MetaLSTMConfig()
    save("metalstm", {
        **machine("torch", "numpy", "numba"),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "inputs": INPUTS, "hidden": config.hidden, "meta": config.meta, "z": config.z,
        "rounds": arguments.rounds, "cells": cells,
    })  # fmt: skip
    rows = []
    for cell in cells:
        for kind, name in (("forward_backward", "fwd+bwd"), ("forward_no_grad", "fwd")):
            table = cell[kind]
            milliseconds = [
                f"{table[form]['median_ms']:.2f}" if form in table else "-"
                for form in ("compiled", "by hand", "plain", "nn.LSTM")
            ]
            goals = [f"{table['plain_over_fastest']:.2f}x", f"{table['fastest_over_lstm']:.2f}x"]
            speed = "-"
            if kind == "forward_backward":
                goals = [
                    verdict(table["plain_over_fastest"], 3),
                    verdict(table["fastest_over_lstm"], 2, at_most=True),
                ]
                speed = f"{1000 * cell['gflop'] / table[table['fastest']]['median_ms']:.0f}"
            size = f"{cell['sentences']}x{cell['steps']}"
            rows.append([str(cell["threads"]), size, name, *milliseconds, *goals, speed])
    show(
        "Meta-LSTM, bidirectional, d=156 h=100 m=40 z=60, milliseconds (median)",
        ["threads", "BxT", "pass", "compiled", "by hand", "plain", "nn.LSTM",
         "plain / fastest", "fastest / nn.LSTM", "GFLOP/s"],
        rows,
    )  # fmt: skip


if __name__ == "__main__":
    main()
