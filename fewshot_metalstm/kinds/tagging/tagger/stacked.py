"""Batches of several tasks as one, for losses that are taken side by side under ``vmap``.

Padding changes no loss: a padded word is read by no token, a padded token lies behind its
sentence, a padded sentence has the weight 0 in the mean, and a padded type scores so low that its
tags have no part in anything. Sentences are sorted by length, the longest first, so that the steps
of the recurrence shrink together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from fewshot_metalstm.kinds.tagging.tagger.encoding import Batch
from fewshot_metalstm.kinds.tagging.tagger.network import (
    TaggerNetwork,
    context_inputs,
)
from fewshot_metalstm.nn.crf import negative_log_likelihood
from fewshot_metalstm.nn.in_context import tokens_at
from fewshot_metalstm.nn.layer import Layout, Weights
from fewshot_metalstm.nn.noise import mask, scaled
from fewshot_metalstm.nn.plain_lstm import PlainLSTM, weights_of
from fewshot_metalstm.nn.tangent import Basic, Places, layer_with_tangent

SHUT = -1e4  # the score of a tag that a task has not; finite, so that second derivatives are


@dataclass(frozen=True)
class Stacked:
    """Batches of n tasks: tensors by name with a leading n, and the rows of each step.

    ``sizes[t]`` sentences of every task are computed at step t, as many as the task with the most
    of that length has.
    """

    tensors: Mapping[str, Tensor]
    sizes: tuple[int, ...]
    shape: tuple[int, int]  # sentences, tokens


def stack(
    tagger: TaggerNetwork, batches: Sequence[Batch], generators: Sequence[torch.Generator] | None
) -> Stacked:
    """See :meth:`~fewshot_metalstm.meta.learner.Learner.stack`."""
    first = batches[0]
    sentences, steps = (max(b.index.shape[i] for b in batches) for i in (0, 1))
    words, letters = (max(b.characters.shape[i] for b in batches) for i in (0, 1))
    tags = 1 + 4 * max(b.types for b in batches)
    orders = [torch.argsort(b.lengths, descending=True, stable=True) for b in batches]
    rows = list(zip(batches, orders, strict=True))
    weights = [first.vectors.new_full((len(b),), 1 / len(b)) for b in batches]
    shut = [_shut(tags, b) for b in batches]
    lengths = _pad([b.lengths[order] for b, order in rows], (sentences,), 1)
    longest = lengths.amax(0)
    sizes = tuple(int((longest > t).sum()) for t in range(steps))
    tensors = {
        "vectors": _pad([b.vectors for b in batches], (words, first.vectors.shape[1])),
        "characters": _pad([b.characters for b in batches], (words, letters)),
        "case": _pad([b.case for b in batches], (words, first.case.shape[1])),
        "tags": _pad([b.tags[order] for b, order in rows], (sentences, steps)),
        "lengths": lengths,
        "weights": _pad(weights, (sentences,)),
        "shut": torch.stack(shut).to(first.vectors.device),
    }
    places = [b.index for b in batches]
    if first.context is not None:
        places = [tokens_at(b.index, b.lengths)[1] for b in batches]
        tensors |= _contexts(batches)
    pairs = zip(places, orders, strict=True)
    index = _pad([place[order] for place, order in pairs], (sentences, steps))
    tensors |= _layout(index, lengths, sizes)
    if generators is not None:
        noise = [draw(tagger, b, g) for b, g in zip(batches, generators, strict=True)]
        tensors["keep_words"] = _pad([n[0] for n in noise], (words, 1))
        tensors["keep_inputs"] = _pad([n[1] for n in noise], (words, noise[0][1].shape[1]))
        outputs = [n[3][order] for n, order in zip(noise, orders, strict=True)]
        states = [n[2][order] for n, order in zip(noise, orders, strict=True) if n[2] is not None]
        if states:
            tensors["keep_states"] = _pad(states, (sentences, steps, states[0].shape[2]))
        tensors["keep_outputs"] = _pad(outputs, (sentences, steps, outputs[0].shape[2]))
        if first.context is not None:
            for i, name in enumerate(("keep_context", "keep_mapped")):
                kept = [n[4][i] for n in noise]
                tensors[name] = _pad(kept, (tensors["context"].shape[1], kept[0].shape[1]))
    return Stacked(tensors, sizes, (sentences, steps))


def _shut(tags: int, batch: Batch) -> Tensor:
    """Which of so many tags the batch's task has not, (tags,)."""
    places = torch.arange(tags)
    beyond = places >= 1 + 4 * batch.types
    return beyond | (places == 0) | (places % 4 != 0) if batch.one_a_token else beyond


def losses(tagger: TaggerNetwork, params: Mapping[str, Tensor], stacked: Stacked) -> Tensor:
    """See :meth:`~fewshot_metalstm.meta.learner.Learner.stacked_losses`."""
    form = _Loss(tagger, stacked.sizes, stacked.shape)
    named = {f"tagger.{name}": value for name, value in params.items()}

    def one(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> Tensor:
        result: Tensor = functional_call(form, dict(own), (tensors,))
        return result

    result: Tensor = vmap(one)(named, stacked.tensors)
    return result


class _Loss(nn.Module):
    """A tagger's loss of one task among those of a stack."""

    def __init__(self, tagger: TaggerNetwork, sizes: Sequence[int], shape: tuple[int, int]) -> None:
        super().__init__()
        self.tagger = tagger
        self.sizes = sizes
        self.shape = shape

    def forward(self, given: Mapping[str, Tensor]) -> Tensor:
        tagger = self.tagger
        vectors = given["vectors"] * tagger.config.vector_scale
        letters = tagger.characters(given["characters"], plain=True)
        noisy = "keep_words" in given
        if noisy:
            vectors = vectors * given["keep_words"]
        words = torch.cat([vectors, letters, given["case"]], dim=1)
        if noisy:
            words = words * given["keep_inputs"]
        if "context" in given:
            context = tagger.mapped(given["context"] * given.get("keep_context", 1))
            words = torch.cat(
                [words[given["tokens"]], context * given.get("keep_mapped", 1)], dim=1
            )
        layout = Layout(given["rows"], given["places"], self.sizes, *self.shape)
        hidden = tagger.lstm.over(words, layout, given.get("keep_states"), plain=True)
        if noisy:
            hidden = hidden * given["keep_outputs"]
        emissions = torch.where(given["shut"], SHUT, tagger.scores(hidden))
        each = negative_log_likelihood(
            emissions, tagger.head_transitions, given["tags"], given["lengths"], plain=True
        )
        return (each * given["weights"]).sum()


def slopes(
    tagger: TaggerNetwork,
    params: Mapping[str, Tensor],
    direction: Mapping[str, Tensor],
    stacked: Stacked,
) -> Tensor:
    """See :meth:`~fewshot_metalstm.meta.learner.Learner.stacked_slopes`."""
    given, config = stacked.tensors, tagger.config
    own = {
        name.removeprefix("characters."): value
        for name, value in params.items()
        if name.startswith("characters.")
    }

    def encode(weights: Mapping[str, Tensor], characters: Tensor) -> Tensor:
        letters: Tensor = functional_call(
            tagger.characters, dict(weights), (characters,), {"plain": True}
        )
        return letters

    vectors = given["vectors"] * config.vector_scale
    noisy = "keep_words" in given
    if noisy:
        vectors = vectors * given["keep_words"]
    words = torch.cat([vectors, vmap(encode)(own, given["characters"]), given["case"]], dim=2)
    if noisy:
        words = words * given["keep_inputs"]
    if "context" in given:
        context = given["context"] * given.get("keep_context", 1)
        context = context @ params["context_weight"] * config.vector_scale
        tasks = torch.arange(len(words), device=words.device)[:, None]
        words = torch.cat(
            [words[tasks, given["tokens"]], context * given.get("keep_mapped", 1)], dim=2
        )
    weights, along = _lstm(tagger, params, direction, words.new_empty(0))
    places = Places(given["rows"], given["places"], stacked.sizes, *stacked.shape)
    hidden, hidden_dot = layer_with_tangent(words, weights, along, places, config.lstm.offset)
    if noisy:
        hidden, hidden_dot = (x * given["keep_outputs"] for x in (hidden, hidden_dot))
    hidden, hidden_dot = hidden.flatten(1, 2), hidden_dot.flatten(1, 2)
    weight, bias = _head(params)
    weight_dot, bias_dot = _head(direction)
    shape = (*given["tags"].shape, weight.shape[1])
    emissions = (hidden @ weight.transpose(1, 2) + bias).view(shape)
    tangent = hidden_dot @ weight.transpose(1, 2) + hidden @ weight_dot.transpose(1, 2) + bias_dot
    shut = given["shut"][:, None, None]
    emissions = torch.where(shut, SHUT, emissions)
    tangent = torch.where(shut, 0.0, tangent.view(shape))

    def likelihood(scores: Tensor, transitions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        return negative_log_likelihood(scores, transitions, tags, lengths, plain=True)

    transitions = params["head_transitions"]
    each = vmap(likelihood)(emissions, transitions, given["tags"], given["lengths"])
    by_score, by_move = torch.autograd.grad(
        (each * given["weights"]).sum(), (emissions, transitions), create_graph=True
    )
    moves = (by_move * direction["head_transitions"]).sum(1)
    return (by_score * tangent).flatten(1).sum(1) + moves


def _lstm(
    tagger: TaggerNetwork,
    params: Mapping[str, Tensor],
    direction: Mapping[str, Tensor],
    none: Tensor,
) -> tuple[Weights, Basic]:
    """The weights of the tasks' LSTMs, and the direction of those that are the tasks' own."""
    if isinstance(tagger.lstm, PlainLSTM):
        weights, along = (
            weights_of(*(source[f"lstm.basic_{name}"] for name in ("wx", "wh", "b")))
            for source in (params, direction)
        )
        return weights, Basic(*(getattr(along, name) for name in Basic._fields))

    def basic(source: Mapping[str, Tensor], name: str) -> Tensor:
        return source.get(f"lstm.basic_{name}", none)

    weights = Weights(
        *(params[f"lstm.meta_{name}"] for name in ("x", "h", "b", "g", "z")),
        *(basic(params, name) for name in Basic._fields),
    )
    return weights, Basic(*(basic(direction, name) for name in Basic._fields))


def _head(params: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Weights (n, 1 + 4 * types, 2 * hidden) and biases (n, 1, 1 + 4 * types) of the heads."""
    weight = torch.cat([params["head_outside"], params["head_type"].flatten(1, 2)], 1)
    bias = torch.cat([params["head_outside_bias"], params["head_type_bias"].flatten(1)], 1)
    return weight, bias.unsqueeze(1)


def draw(
    tagger: TaggerNetwork, batch: Batch, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor | None, Tensor, tuple[Tensor, ...]]:
    """The factors of words, inputs, states, outputs and context that the tagger would draw.

    Those of context are of the encoder's features and of what they are mapped to; none without.
    """
    config, like = tagger.config, batch.vectors
    words = len(like)
    inputs = tagger.lstm.inputs - context_inputs(config)
    keep_words = mask((words, 1), config.word_dropout, generator, like)
    keep_inputs = scaled((words, inputs), config.input_dropout, generator, like)
    context: tuple[Tensor, ...] = ()
    if batch.context is not None:
        tokens = len(batch.context)
        context = (
            mask((tokens, 1), config.context_dropout, generator, like),
            scaled((tokens, config.context_size), config.input_dropout, generator, like),
        )
    return (
        keep_words,
        keep_inputs,
        tagger.lstm.keep((batch.index.shape[0], batch.index.shape[1]), generator, like),
        scaled((*batch.index.shape, tagger.lstm.outputs), config.output_dropout, generator, like),
        context,
    )


def _contexts(batches: Sequence[Batch]) -> dict[str, Tensor]:
    """The encoder's features of all tokens, (n, N, C), and which word each token is, (n, N)."""
    words = [b.index[tokens_at(b.index, b.lengths)[0]] for b in batches]
    given = [b.context for b in batches if b.context is not None]
    tokens = max(map(len, words))
    return {
        "context": _pad(given, (tokens, given[0].shape[1])),
        "tokens": _pad(words, (tokens,)),
    }


def _layout(index: Tensor, lengths: Tensor, sizes: Sequence[int]) -> dict[str, Tensor]:
    """``rows`` and ``places`` of :class:`~fewshot_metalstm.nn.layer.Layout`, (n, N, 2) each.

    Behind its end a sentence goes on in its own row; there, both directions read the padding.
    """
    device, steps = index.device, index.shape[2]
    sentence = torch.cat([torch.arange(size) for size in sizes]).to(device)
    ahead = torch.arange(steps).repeat_interleave(torch.tensor(sizes)).to(device)
    back = lengths[:, sentence] - 1 - ahead
    back = torch.where(back >= 0, back, ahead)
    position = torch.stack([ahead.expand_as(back), back], dim=2) + steps * sentence.unsqueeze(1)
    rows = index.flatten(1).gather(1, position.flatten(1)).view_as(position)
    return {"rows": rows, "places": 2 * position + torch.arange(2, device=device)}


def _pad(values: Sequence[Tensor], shape: Sequence[int], value: int = 0) -> Tensor:
    """Stack tensors, each padded at its ends to ``shape``."""
    result = values[0].new_full((len(values), *shape), value)
    for row, given in zip(result, values, strict=True):
        row[tuple(map(slice, given.shape))] = given
    return result
