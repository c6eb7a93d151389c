"""Compile the kernels before the tests: ``python -m tests.compile_kernels``.

A process that meets a kernel which nobody has compiled compiles it, so that tests in two processes
would compile most of them twice. `make test` does it once, while types are checked.
"""

from __future__ import annotations

import torch

from fewshot_metalstm.kinds.tagging.tagger.confidence import read
from fewshot_metalstm.kinds.tagging.tagger.encoding import WordTable
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.products import Constant, outer
from fewshot_metalstm.nn.recurrent import make_lstm
from tests.kinds.tagging.tagger.builders import double, encoded, model, sentences

TYPES = ("T0", "T1")


def tagger(dtype: torch.dtype) -> None:
    """Take the gradient of a tiny tagger's loss, decode, and read probabilities of mentions."""
    made = model(len(TYPES), TAGGER)
    batch = encoded(WordTable(made.vectors, made.alphabet), sentences(4, TYPES, 1), TYPES)
    if dtype == torch.float64:
        made.learner.double()
        batch = double(batch)
    params = made.learner.initial(batch)
    loss = made.learner.loss(params, batch)
    torch.autograd.grad(loss, tuple(params.values()), allow_unused=True)
    made.learner.decode_with({n: p.detach() for n, p in params.items()}, batch)
    if dtype == torch.float32:
        read(made, [("the", "cell")])


def products(dtype: torch.dtype) -> None:
    """Batched products, and those of outer products."""
    left = torch.ones(2, 3, 4, dtype=dtype)
    Constant(torch.ones(2, 4, 5, dtype=dtype)).add(left)
    outer(left, torch.ones(2, 3, 5, dtype=dtype))


def cells(dtype: torch.dtype) -> None:
    """Take gradients of tiny cells that have compiled steps besides the Meta-LSTM."""
    generator = torch.Generator().manual_seed(0)
    words = torch.randn(4, 3, generator=generator).to(dtype)
    for kind, norm in (
        ("hyper-lstm", "none"), ("norm-lstm", "none"), ("norm-lstm", "batch"), ("qrnn", "none"),
    ):  # fmt: skip
        config = MetaLSTMConfig(kind, match=False, hidden=2, meta=2, z=2, norm=norm)
        layer = make_lstm(3, config, generator).to(dtype)
        index, lengths = torch.arange(4).view(2, 2), torch.full((2,), 2)
        layer(words, index, lengths, generator).sum().backward()


def main() -> None:
    """Compile in single and in double precision."""
    for dtype in (torch.float32, torch.float64):
        tagger(dtype)
        products(dtype)
        cells(dtype)


if __name__ == "__main__":
    main()
