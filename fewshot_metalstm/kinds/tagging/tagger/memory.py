"""A memory of source heads: a task starts from the head that fits its support best.

One meta-learned head for any type has to be taught by a support what a species is, even where
ten source tasks knew it. A tagger with a memory keeps the heads of its source tasks, one for each
of their entity types, and each type of a task starts from the one with the lowest loss on the
support, without noise. The last place of the memory is the head for any type.

The outer loop goes through the choice: episodes start as a new target would, from the heads of
*other* families than their own
(:attr:`~fewshot_metalstm.kinds.tagging.tagger.encoding.Batch.barred`), and the outer gradient
reaches the heads that were chosen. So the memory, the basic LSTM and the Meta-LSTM learn to be
adapted from there.

Parameters are named ``memory_*`` as those of the head are named ``head_*``, with a leading
dimension of places.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from fewshot_metalstm.kinds.tagging.tagger.encoding import Batch
from fewshot_metalstm.kinds.tagging.tagger.network import TaggerNetwork
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.nn.crf import negative_log_likelihood

PREFIX = "memory_"


def place_of(name: str) -> str:
    """The parameter of the memory that holds the head's parameter ``name`` of every place."""
    return PREFIX + name.removeprefix("head_")


def without_memory(names: Iterable[str]) -> tuple[str, ...]:
    """``names`` of parameters without those of a memory, which no tagger of a task makes use of."""
    return tuple(name for name in names if not name.startswith(PREFIX))


def remember(tagger: TaggerNetwork, heads: Sequence[Mapping[str, Tensor]]) -> None:
    """Give ``tagger`` a memory of ``heads``, each of one type, and of its own as the last."""
    _register(tagger, [*heads, {name: getattr(tagger, name) for name in tagger.head()}])


def blank(tagger: TaggerNetwork, places: int) -> None:
    """Give ``tagger`` a memory of so many places, to be filled by weights that are loaded."""
    own = {name: getattr(tagger, name)[:1] if name.startswith("head_type")
           else getattr(tagger, name) for name in tagger.head()}  # fmt: skip
    _register(tagger, [own] * places)


def _register(tagger: TaggerNetwork, heads: Sequence[Mapping[str, Tensor]]) -> None:
    for name in tagger.head():
        own = getattr(tagger, name)
        values = [head[name].detach().to(own) for head in heads]
        stored = torch.cat(values) if name.startswith("head_type") else torch.stack(values)
        tagger.register_parameter(place_of(name), nn.Parameter(stored.clone()))
    tagger.config = replace(tagger.config, memory=len(heads))


def forget(tagger: TaggerNetwork) -> None:
    """Take the memory from ``tagger``, if it has one: it then starts from its own head."""
    if tagger.config.memory:
        for name in tagger.head():
            delattr(tagger, place_of(name))
        tagger.config = replace(tagger.config, memory=0)


def places(tagger: TaggerNetwork) -> list[Params]:
    """The head in every place, each of one type."""
    stored = {name: getattr(tagger, place_of(name)) for name in tagger.head()}
    # Those of a type keep a leading dimension of 1, by being cut out as a slice.
    return [
        {
            name: value[place : place + 1] if name.startswith("head_type") else value[place]
            for name, value in stored.items()
        }
        for place in range(tagger.config.memory)
    ]


@torch.no_grad()
def chosen_places(tagger: TaggerNetwork, batch: Batch) -> Tensor:
    """For each type of a support, the place with the lowest loss, (types,); the first of equals."""
    losses = type_losses(tagger, places(tagger), batch)
    if batch.barred:
        losses[:, list(batch.barred)] = float("inf")
    return losses.argmin(dim=1)


def recalled(tagger: TaggerNetwork, params: Params, batch: Batch) -> Params:
    """The head that the types of a support start from, differentiable by the memory in ``params``.

    What the types share (the row of ``O``, the transitions) is the mean of the chosen.
    """
    chosen = chosen_places(tagger, batch)
    found = {}
    for name in tagger.head():
        values = params[place_of(name)][chosen]
        found[name] = values if name.startswith("head_type") else values.mean(0)
    return found


def type_losses(
    tagger: TaggerNetwork, heads: Sequence[Mapping[str, Tensor]], batch: Batch
) -> Tensor:
    """The loss of every type of ``batch`` under every head, (types, heads), summed over sentences.

    A type's loss, in nats, is that of the sentences with all other mentions taken for ``O``.
    """
    hidden = tagger.hidden(batch)  # the same for all heads
    tags = [_tags_of(batch.tags, number) for number in range(batch.types)]
    rows = []
    for head in heads:
        own = {name: value.to(hidden.device) for name, value in head.items()}
        weight = torch.cat([own["head_outside"], own["head_type"].flatten(0, 1)])
        bias = torch.cat([own["head_outside_bias"], own["head_type_bias"].flatten()])
        emissions = nn.functional.linear(hidden, weight, bias)
        rows.append(torch.stack([
            negative_log_likelihood(
                emissions, own["head_transitions"], t, batch.lengths, plain=tagger.lstm.plain
            ).sum() for t in tags
        ]))  # fmt: skip
    return torch.stack(rows, dim=1)


def _tags_of(tags: Tensor, number: int) -> Tensor:
    """Tags of several types, as :func:`labels` numbers them, as tags of one of them alone."""
    own = tags - 4 * number
    return torch.where((own >= 1) & (own <= 4), own, torch.zeros_like(own))
