"""A tagger's head made of prototypes: the mean hidden state of every tag of a support.

The squared distance to a prototype is linear in the hidden state but for a term that all tags
share, which no tag sequence can be told by. With a width of d, and u = s / d::

    -s |h - p|^2 / d = (2 u p) . h - u |p|^2  - u |h|^2

So the head is the tagger's ordinary one with weights ``2 u p`` and biases ``b - u |p|^2``, where
``b`` are the biases that were there before (learned over tasks: how common a tag is, whatever is
tagged). Transitions stay as they are. Such a tagger is saved, read, used and tuned as any other.

A tag that the support has no token of takes the mean of all tokens of its type, ``O`` the mean of
all tokens; a type that the support has no token of keeps the odds against ``O`` that its rows had
before.

Source: Snell, Swersky, Zemel, "Prototypical Networks for Few-shot Learning", NIPS 2017, section
2.4 (the linear form); as a start for gradient steps Triantafillou et al., "Meta-Dataset", ICLR
2020, section 3 (Proto-MAML).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from fewshot_metalstm.kinds.tagging.tagger.encoding import Batch
from fewshot_metalstm.kinds.tagging.tagger.network import TaggerNetwork
from fewshot_metalstm.meta.learner import Params


def prototype_head(
    tagger: TaggerNetwork, params: Params, batches: Iterable[Batch], scale: Tensor,
    generator: torch.Generator | None = None,
) -> Params:  # fmt: skip
    """``params`` with a head of prototypes; see :meth:`Learner.from_support`.

    Raises:
        ValueError: no batch, or one whose types are not those of ``params``.
    """
    tags = 1 + 4 * len(params["head_type"])
    outside = params["head_outside"]
    sums, counts = outside.new_zeros(tags, outside.shape[1]), outside.new_zeros(tags)
    for batch in batches:
        if 1 + 4 * batch.types != tags:
            raise ValueError(f"a head for {tags // 4} types cannot be made of {batch.types}")
        hidden, of = tokens_of(tagger.hidden_with(params, batch, generator), batch)
        sums = sums.index_add(0, of, hidden)
        counts = counts.index_add(0, of, torch.ones_like(of, dtype=counts.dtype))
    if not counts.any():
        raise ValueError("a support without tokens has no prototypes")
    means, known = prototypes(sums, counts)
    weight = 2 * scale * means / means.shape[1]
    bias = -scale * means.square().mean(1)
    head = {
        "head_outside": weight[:1],
        "head_outside_bias": params["head_outside_bias"] + bias[:1],
        "head_type": weight[1:].view(params["head_type"].shape),
        "head_type_bias": params["head_type_bias"] + bias[1:].view(-1, 4),
    }
    for name, of_all in (("head_type", "head_outside"), ("head_type_bias", "head_outside_bias")):
        odds = head[of_all] + params[name] - params[of_all]
        met = known.view(-1, *[1] * (odds.dim() - 1))
        head[name] = torch.where(met, head[name], odds)
    return {**params, **head}


def tokens_of(hidden: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """The hidden states of a batch's tokens, (tokens, width), and their tags, (tokens,)."""
    steps = torch.arange(hidden.shape[1], device=hidden.device)
    inside = steps < batch.lengths.unsqueeze(1)
    return hidden[inside], batch.tags[inside]


def prototypes(sums: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """A prototype of every tag, and which types have tokens.

    Args:
        sums: of the hidden states of each tag's tokens, (1 + 4 * types, width).
        counts: of the tokens, (1 + 4 * types,); at least one in all.

    Returns:
        (1 + 4 * types, width), zero for the tags of a type without tokens, and (types,) bool.
    """

    def mean(total: Tensor, number: Tensor) -> Tensor:
        return total / number.clamp(min=1).unsqueeze(-1)

    own = mean(sums, counts)
    in_type = counts[1:].view(-1, 4).sum(1)
    of_type = mean(sums[1:].view(-1, 4, sums.shape[1]).sum(1), in_type)
    everything = mean(sums.sum(0, keepdim=True), counts.sum(0, keepdim=True))
    others = torch.cat([everything, of_type.repeat_interleave(4, dim=0)])
    return torch.where((counts > 0).unsqueeze(1), own, others), in_type > 0
