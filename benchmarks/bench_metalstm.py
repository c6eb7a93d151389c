"""The Meta-LSTM's two forms and torch's LSTM: forward and backward, interleaved.

Before any timing the two forms must agree in outputs and gradients. Sentences have lengths drawn
uniformly from T/4 to T. ``nn.LSTM`` (bidirectional, same inputs and outputs, padding computed) is
another, smaller model: it shows what a plain recurrent layer costs here.
Run: python -m benchmarks.bench_metalstm [--rounds N] [--threads N ...] [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fewshot_metalstm.nn.metalstm import MetaLSTM, MetaLSTMConfig

RESULT = Path(__file__).parent / "results" / "metalstm.json"
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
    for pair in zip(*results, strict=True):
        scale = float(pair[0].detach().abs().max())
        torch.testing.assert_close(pair[0], pair[1], rtol=1e-3, atol=1e-4 * scale)


def timed(forward: Forward, backward: bool) -> float:
    """Milliseconds of one call."""
    start = time.perf_counter()
    if backward:
        torch.autograd.backward(forward().square().sum())
    else:
        with torch.no_grad():
            forward()
    return 1000 * (time.perf_counter() - start)


def measure(batch: int, steps: int, rounds: int) -> dict[str, Any]:
    """Median and quartiles in milliseconds of every form at one size."""
    model, (words, index, lengths) = make(batch, steps)
    lstm = nn.LSTM(INPUTS, model.config.hidden, batch_first=True, bidirectional=True)

    def run(plain: bool) -> Tensor:
        model.plain = plain
        output: Tensor = model(words, index, lengths)
        return output

    def torch_lstm() -> Tensor:
        output: Tensor = lstm(words[index])[0]
        return output

    forms: dict[str, Forward] = {"fast": lambda: run(False), "plain": lambda: run(True)}
    check(forms, [words, *model.parameters()])
    forms["nn.LSTM"] = torch_lstm
    result: dict[str, Any] = {
        "sentences": batch,
        "steps": steps,
        "tokens": int(lengths.sum()),
        "distinct_words": len(words),
    }
    for name, backward in (("forward_backward", True), ("forward_no_grad", False)):
        times: dict[str, list[float]] = {form: [] for form in forms}
        for turn in range(rounds + 2):
            order = list(forms) if turn % 2 == 0 else list(reversed(forms))
            for form in order:
                taken = timed(forms[form], backward)
                if turn >= 2:  # the first two warm up
                    times[form].append(taken)
        table: dict[str, Any] = {}
        for form, taken_all in times.items():
            low, median, high = statistics.quantiles(taken_all, n=4)
            table[form] = {"median_ms": median, "quartiles_ms": [low, high]}
        table["plain_over_fast"] = statistics.median(
            plain / fast for plain, fast in zip(times["plain"], times["fast"], strict=True)
        )
        result[name] = table
    return result


def main() -> None:
    """Measure, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--output", type=Path, default=RESULT)
    arguments = parser.parse_args()
    config = MetaLSTMConfig()
    result: dict[str, Any] = {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "inputs": INPUTS,
        "hidden": config.hidden,
        "meta": config.meta,
        "z": config.z,
        "rounds": arguments.rounds,
        "cells": [],
    }
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        for batch, steps in SIZES:
            cell = {"threads": threads, **measure(batch, steps, arguments.rounds)}
            result["cells"].append(cell)
            for kind in ("forward_backward", "forward_no_grad"):
                table = cell[kind]
                shown = "  ".join(
                    f"{form} {table[form]['median_ms']:6.2f} ms"
                    for form in ("fast", "plain", "nn.LSTM")
                )
                ratio = table["plain_over_fast"]
                head = f"threads {threads}  B {batch} T {steps}  {kind:16}"
                print(f"{head}  {shown}  plain/fast {ratio:.2f}")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    beside = arguments.output.with_suffix(".new")
    beside.write_text(json.dumps(result, indent=2) + "\n")
    os.replace(beside, arguments.output)


if __name__ == "__main__":
    main()
