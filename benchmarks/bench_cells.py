"""Every recurrent cell beside ``nn.LSTM`` of the same size: forward and backward, interleaved.

Sizes are those of digits (28 rows of 28 numbers, 128 outputs a direction) and of tagging (words of
156 numbers, 100 outputs); all sentences are of one length, so that nothing is won by leaving out
padding. ``nn.LSTM`` is bidirectional with as many outputs. The goal is 3 times its time on one
thread.
Run: python -m benchmarks.bench_cells [--rounds N]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.timing import interleaved, machine, ratio, save, show, spread, verdict
from fewshot_metalstm.machine import keep_freed_memory, one_thread
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.recurrent import make_lstm

# Sentences, words, numbers of a word, outputs of a direction, and of the small network.
SIZES = {"digits": (32, 28, 28, 128, 64), "tagging": (10, 32, 156, 100, 40)}
Z = 16  # numbers that a scale comes from
FORMS: Mapping[str, Mapping[str, Any]] = {
    "lstm": {}, "meta-lstm": {"z": 60}, "rnn": {}, "hyper-lstm": {},
    "hyper-lstm, layer norm": {"norm": "layer"}, "meta-rnn": {},
    "meta-rnn, layer norm": {"norm": "layer"}, "norm-lstm": {},
    "norm-lstm, recurrent dropout": {"recurrent_dropout": 0.1},
    "norm-lstm, layer norm": {"norm": "layer"}, "norm-lstm, batch norm": {"norm": "batch"},
    "qrnn": {}, "qrnn, window 2": {"window": 2}, "torch-lstm": {}, "torch-rnn": {},
}  # fmt: skip
PEER = "nn.LSTM"
GOAL = 3.0


def measure(size: tuple[int, int, int, int, int], rounds: int) -> dict[str, Any]:
    """Median and quartiles of every cell at one size, and its ratio to ``nn.LSTM``."""
    batch, steps, inputs, hidden, meta = size
    generator = torch.Generator().manual_seed(0)
    words = torch.randn(batch * steps, inputs, generator=generator, requires_grad=True)
    index = torch.arange(batch * steps).view(batch, steps)
    lengths = torch.full((batch,), steps)
    peer = nn.LSTM(inputs, hidden, batch_first=True, bidirectional=True)

    def cell(name: str, further: Mapping[str, Any]) -> Callable[[], Tensor]:
        config = MetaLSTMConfig(
            name.partition(",")[0], False, hidden, **{"meta": meta, "z": Z, **further}
        )
        layer = make_lstm(inputs, config, torch.Generator().manual_seed(0))
        noise = torch.Generator().manual_seed(0)
        return lambda: layer(words, index, lengths, noise)

    forward = {PEER: lambda: peer(words[index])[0]}
    forward |= {name: cell(name, further) for name, further in FORMS.items()}

    def both(run: Callable[[], Tensor]) -> Callable[[], None]:
        return lambda: torch.autograd.backward(run().square().sum())

    times = interleaved({name: both(run) for name, run in forward.items()}, rounds)
    return {
        name: {**spread(taken), "times_lstm": ratio(times, name, PEER)}
        for name, taken in times.items()
    }


def main() -> None:
    """Measure, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    keep_freed_memory()
    with one_thread():
        found = {name: measure(size, rounds) for name, size in SIZES.items()}
    save("cells", {
        **machine("torch", "numpy", "numba"), "threads": 1, "rounds": rounds, "z": Z,
        "sizes": SIZES, "milliseconds": found,
    })  # fmt: skip
    for name, table in found.items():
        batch, steps, inputs, hidden, meta = SIZES[name]
        rows = [
            [cell, f"{each['median_ms']:.1f}",
             "-" if cell == PEER else verdict(each["times_lstm"], GOAL, at_most=True)]
            for cell, each in table.items()
        ]  # fmt: skip
        show(
            f"{name}: {batch} x {steps}, d={inputs} h={hidden} m={meta}, forward and backward, "
            "one thread, milliseconds (median)",
            ["cell", "ms", "of nn.LSTM"], rows,
        )  # fmt: skip


if __name__ == "__main__":
    main()
