"""The cell of the LSTM meta-learner: an LSTM whose cell state is a learner's parameters.

For one coordinate ``th`` of the parameters, with its gradient ``g`` and the loss ``L``::

    u_t  = LSTM([pre(L); pre(g)])                   a plain LSTM, 20 wide
    I_t  = w_I [u_t; th_{t-1}; I_{t-1}] + b_I       how much of the gradient to take
    F_t  = w_F [u_t; th_{t-1}; F_{t-1}] + b_F       how much of the parameter to keep
    th_t = sig(F_t) * th_{t-1} - sig(I_t) * g

All coordinates share the weights, and each has a state of its own, which is zero at the start. As
in the authors' code, what a gate is fed back is its value before the sigmoid.

Source: Ravi, Larochelle, "Optimization as a Model for Few-Shot Learning", ICLR 2017, section 3;
preprocessing from Andrychowicz et al., "Learning to learn by gradient descent by gradient
descent", NIPS 2016, appendix A.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

RATE, KEEP = 0, 1  # rows of the gates: I and F
SHARPNESS = 10.0  # p of the preprocessing
BLOCK = 4096  # coordinates at once: what lies between two products then fits into a cache
GPU_BLOCK = 2**17  # the same where a launch counts for more than a cache


class Weights(NamedTuple):
    """The meta-learner's weights, H wide; gates of the LSTM in the order i, f, g, o."""

    input: Tensor  # (4H, 4): pre(loss), pre(gradient)
    hidden: Tensor  # (4H, H)
    bias: Tensor  # (4H,)
    gates: Tensor  # (2, H + 2): rows I and F; columns for u_t, th_{t-1} and the gate before
    gate_bias: Tensor  # (2,)


class State(NamedTuple):
    """Where the meta-learner stands, for N coordinates."""

    h: Tensor  # (H, N), u_t
    c: Tensor  # (H, N)
    gates: Tensor  # (2, N), before the sigmoid


class Gates(nn.Module):
    """The weights as a learner's submodule.

    Weights start in +-0.01, ``b_I`` in (-5, -4) and ``b_F`` in (4, 5): nearly plain gradient
    descent, at a rate of about 0.01. A gate's bias is the only one that does not start near zero,
    so that one of the LSTM's two is enough.

    Args:
        hidden: H, the width of the LSTM.
        steps: inner steps that these weights are trained for.
        clip: largest norm of an inner gradient that they are trained with; 0 does not clip.
    """

    def __init__(self, hidden: int, steps: int, clip: float, generator: torch.Generator) -> None:
        super().__init__()
        self.steps, self.clip = steps, clip

        def uniform(low: float, high: float, *shape: int) -> Tensor:
            return low + (high - low) * torch.rand(*shape, generator=generator)

        self.input = nn.Parameter(uniform(-0.01, 0.01, 4 * hidden, 4))
        self.hidden = nn.Parameter(uniform(-0.01, 0.01, 4 * hidden, hidden))
        self.bias = nn.Parameter(uniform(-0.01, 0.01, 4 * hidden))
        self.gates = nn.Parameter(uniform(-0.01, 0.01, 2, hidden + 2))
        rate, keep = uniform(-5, -4, 1), uniform(4, 5, 1)
        self.gate_bias = nn.Parameter(torch.cat([rate, keep]))


def weights_of(params: Mapping[str, Tensor], prefix: str) -> Weights:
    """The weights among a learner's parameters, under ``prefix``, such as ``inner.``."""
    return Weights(*(params[prefix + name] for name in Weights._fields))


def pre(values: Tensor) -> Tensor:
    """Losses or gradients of any size, (N,), as two numbers of about one each, (2, N).

    ``(log|x| / p, sign x)``, and ``(-1, e^p x)`` where ``|x| < e^-p``; p = 10.
    """
    size = values.abs()
    large = size >= math.exp(-SHARPNESS)
    first = torch.where(large, size.log() / SHARPNESS, -1.0)
    second = torch.where(large, values.sign(), math.exp(SHARPNESS) * values)
    return torch.stack([first, second])


def initial_state(weights: Weights, number: int) -> State:
    """The state of ``number`` coordinates before the first step."""
    hidden = weights.hidden.shape[1]
    h, c, gates = (weights.hidden.new_zeros(rows, number) for rows in (hidden, hidden, 2))
    return State(h, c, gates)


def step(
    weights: Weights, theta: Tensor, gradient: Tensor, loss: Tensor, state: State
) -> tuple[Tensor, State]:
    """One update of the coordinates ``theta``, (N,).

    It is differentiable once, by the weights, ``theta`` and the state; ``gradient``, (N,), and
    ``loss``, a scalar, are constants. What a step keeps for that is its arguments: the rest is
    computed again when it is needed, block by block.
    """
    constants = gradient.detach(), loss.detach()
    theta, *after = _Step.apply(*constants, theta, *state, *weights)  # type: ignore[no-untyped-call]
    return theta, State(*after)


def step_plain(
    weights: Weights, theta: Tensor, gradient: Tensor, loss: Tensor, state: State
) -> tuple[Tensor, State]:
    """:func:`step` in torch's own operations, which keep about 300 numbers for a coordinate."""
    # The loss is the same for all coordinates, and so is what it adds to the LSTM's gates.
    bias = weights.bias + weights.input[:, :2] @ pre(loss.reshape(1))[:, 0]
    matrix = torch.cat([weights.input[:, 2:], weights.hidden], dim=1)
    raw = matrix @ torch.cat([pre(gradient), state.h]) + bias.unsqueeze(1)
    i, f, g, o = raw.chunk(4)
    c = f.sigmoid() * state.c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    width = len(h)
    gates = weights.gates[:, :width] @ h + weights.gate_bias.unsqueeze(1)
    gates = gates + weights.gates[:, width, None] * theta
    gates = gates + weights.gates[:, width + 1, None] * state.gates
    rate, keep = gates.sigmoid()
    return keep * theta - rate * gradient, State(h, c, gates)


def flat(tensors: Iterable[Tensor]) -> Tensor:
    """All coordinates of some tensors, (N,)."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def split(values: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """:func:`flat` undone: views of ``values`` in the shapes of ``like``."""
    parts = torch.split(values, [tensor.numel() for tensor in like])
    return [part.view(tensor.shape) for part, tensor in zip(parts, like, strict=True)]


class _Step(torch.autograd.Function):
    """:func:`step` for autograd: gradient and loss, then coordinates and state, then weights."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, loss: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Block by block, without a graph."""
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(gradient, loss, *inputs)
        outputs = tuple(torch.empty_like(x) for x in inputs[:_EACH])
        for block in _blocks(gradient):
            own = [x[..., block] for x in inputs[:_EACH]]
            parts = _outputs(gradient[block], loss, [*own, *inputs[_EACH:]])
            for whole, part in zip(outputs, parts, strict=True):
                whole[..., block] = part
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *backs: Tensor | None) -> tuple[Tensor | None, ...]:
        """Every block once more, now with a graph."""
        gradient, loss, *inputs = ctx.saved_tensors
        needed = [i for i, need in enumerate(ctx.needs_input_grad[2:]) if need]
        given = [i for i, back in enumerate(backs) if back is not None]
        found = {i: torch.zeros_like(inputs[i]) for i in needed}
        for block in _blocks(gradient):
            own = [x[..., block] if i < _EACH else x for i, x in enumerate(inputs)]
            leaves = [x.detach().requires_grad_(i in found) for i, x in enumerate(own)]
            with torch.enable_grad():
                outputs = _outputs(gradient[block], loss, leaves)
            parts = torch.autograd.grad(
                [outputs[i] for i in given], [leaves[i] for i in needed],
                [back[..., block] for back in backs if back is not None], materialize_grads=True,
            )  # fmt: skip
            for i, part in zip(needed, parts, strict=True):
                whole = found[i][..., block] if i < _EACH else found[i]
                whole += part
        return (None, None, *(found.get(i) for i in range(len(inputs))))


_EACH = 4  # inputs of a step, and outputs, that every coordinate has for itself


def _blocks(values: Tensor) -> list[slice]:
    size = BLOCK if values.device.type == "cpu" else GPU_BLOCK
    return [slice(start, start + size) for start in range(0, len(values), size)]


def _outputs(gradient: Tensor, loss: Tensor, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """:func:`step_plain` from tensors to tensors."""
    theta, *state = inputs[:_EACH]
    after, new = step_plain(Weights(*inputs[_EACH:]), theta, gradient, loss, State(*state))
    return (after, *new)
