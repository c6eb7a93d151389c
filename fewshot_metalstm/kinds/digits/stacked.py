"""Batches of several tasks as one, for losses that are taken side by side under ``vmap``.

Padding changes no loss: a padded image has the weight 0 in the mean, and a padded class scores so
low that it has no part in anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from fewshot_metalstm.kinds.digits.encoding import Batch
from fewshot_metalstm.kinds.digits.settings import ReaderConfig
from fewshot_metalstm.nn.layer import Layout
from fewshot_metalstm.nn.noise import scaled
from fewshot_metalstm.nn.recurrent import Recurrent

SHUT = -1e4  # the score of a class that a task has not; finite, so that second derivatives are


class Reader(Protocol):
    """What is asked of a reader of digits, a module."""

    config: ReaderConfig
    lstm: Recurrent
    head_weight: nn.Parameter  # (classes, width)
    head_bias: nn.Parameter  # (classes,)

    def pooled(self, states: Tensor) -> Tensor:
        """From the states of each row, (B, T, width), to one vector an image, (B, width)."""


@dataclass(frozen=True)
class Stacked:
    """Batches of n tasks: tensors by name with a leading n, padded to as many images."""

    tensors: Mapping[str, Tensor]


def stack(
    reader: Reader, batches: Sequence[Batch], generators: Sequence[torch.Generator] | None
) -> Stacked:
    """See :meth:`~fewshot_metalstm.meta.learner.Learner.stack`."""
    images, classes = max(map(len, batches)), max(b.classes for b in batches)
    like = batches[0].rows
    tensors = {
        "rows": _pad([b.rows for b in batches], images),
        "labels": _pad([b.labels for b in batches], images),
        "weights": _pad([like.new_full((len(b),), 1 / len(b)) for b in batches], images),
        "shut": torch.stack([torch.arange(classes) >= b.classes for b in batches]).to(like.device),
    }
    if generators is not None:
        config, width = reader.config, reader.lstm.outputs
        noise = [
            (  # drawn as the reader draws it: pixels, states, then what stands for an image
                scaled((len(b) * b.rows.shape[1], b.rows.shape[2]), config.input_dropout, g, like)
                .view_as(b.rows),
                reader.lstm.keep((len(b), b.rows.shape[1]), g, like),
                scaled((len(b), width), config.output_dropout, g, like),
            )
            for b, g in zip(batches, generators, strict=True)
        ]  # fmt: skip
        tensors["keep_rows"] = _pad([pixels for pixels, _, _ in noise], images)
        tensors["keep_pooled"] = _pad([pooled for _, _, pooled in noise], images)
        states = [each for _, each, _ in noise if each is not None]
        if states:
            tensors["keep_states"] = _pad(states, images)
    return Stacked(tensors)


def losses(reader: Reader, params: Mapping[str, Tensor], given: Stacked) -> Tensor:
    """See :meth:`~fewshot_metalstm.meta.learner.Learner.stacked_losses`."""
    form = _Loss(reader)
    named = {f"reader.{name}": value for name, value in params.items()}

    def one(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        result: Tensor = functional_call(form, dict(own), (tensors,))
        return result

    result: Tensor = vmap(one)(named, given.tensors)
    return result


class _Loss(nn.Module):
    """A reader's loss of one task among those of a stack."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, given: Mapping[str, Tensor]) -> Tensor:
        reader, rows = self.reader, given["rows"]
        noisy = "keep_rows" in given
        if noisy:
            rows = rows * given["keep_rows"]
        images, steps = rows.shape[:2]
        states = reader.lstm.over(
            rows.flatten(0, 1), layout(images, steps, rows.device), given.get("keep_states"),
            plain=True,
        )  # fmt: skip
        pooled = reader.pooled(states)
        if noisy:
            pooled = pooled * given["keep_pooled"]
        scores = nn.functional.linear(pooled, reader.head_weight, reader.head_bias)
        scores = torch.where(given["shut"], SHUT, scores)
        each = nn.functional.cross_entropy(scores, given["labels"], reduction="none")
        return (each * given["weights"]).sum()


def layout(images: int, steps: int, device: torch.device) -> Layout:
    """How the rows of images are read, step by step, downwards and upwards; all are as long."""
    image = torch.arange(images, device=device).repeat(steps)
    ahead = torch.arange(steps, device=device).repeat_interleave(images)
    rows = steps * image.unsqueeze(1) + torch.stack([ahead, steps - 1 - ahead], dim=1)
    places = 2 * rows + torch.arange(2, device=device)
    return Layout(rows, places, [images] * steps, images, steps)


def _pad(values: Sequence[Tensor], images: int) -> Tensor:
    """Stack tensors, each padded with zeros to as many images."""
    result = values[0].new_zeros(len(values), images, *values[0].shape[1:])
    for row, value in zip(result, values, strict=True):
        row[: len(value)] = value
    return result
