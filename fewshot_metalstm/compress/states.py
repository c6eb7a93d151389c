"""States in 8 bits too: what a product of whole numbers would read.

With weights in 8 bits a product can be one of whole numbers if what it multiplies is in 8 bits as
well. The step of an activation is then taken from the activation itself, token by token
("dynamic"). Here that is simulated: input, outputs and generated factors of a Meta-LSTM or a plain
LSTM are rounded before each product, in plain torch, so that the loss of it can be measured. Models
are not run so: the products stay in floating point.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from torch import Tensor, nn

from fewshot_metalstm.compress.quantising import rounded
from fewshot_metalstm.nn.layer import Form, Layout, Weights, layer_over
from fewshot_metalstm.nn.metalstm import MetaLSTM
from fewshot_metalstm.nn.plain_lstm import PlainLSTM
from fewshot_metalstm.nn.recurrence import recurrence_plain
from fewshot_metalstm.nn.recurrent import Recurrent


def layer_rounded(words: Tensor, weights: Weights, layout: Layout, offset: float) -> Tensor:
    """:func:`~fewshot_metalstm.nn.layer.layer_plain` with activations in 8 bits, token by token."""
    run = partial(recurrence_plain, seen=_seen)
    return layer_over(run, _seen(words), weights, layout, offset)


def _seen(state: Tensor) -> Tensor:
    return rounded(state) if state.shape[-1] else state


@contextmanager
def states_rounded(learner: nn.Module) -> Iterator[bool]:
    """Let the recurrent layers of ``learner`` round activations within the block.

    Gives whether that is possible: all layers have to be Meta-LSTMs or plain LSTMs.
    """
    layers = [module for module in learner.modules() if isinstance(module, Recurrent)]
    able = [module for module in layers if isinstance(module, MetaLSTM | PlainLSTM)]
    if not able or len(able) < len(layers):
        yield False
        return
    before: list[Form | None] = [module.form for module in able]
    for module in able:
        module.form = layer_rounded
    try:
        yield True
    finally:
        for module, form in zip(able, before, strict=True):
            module.form = form
