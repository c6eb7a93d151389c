"""Which words of a sentence a translator attends to as it writes each word of a translation.

The translation is read as if it were being written, and the weights of attention are taken: a word
that is read has the sum over its subwords, a word that is written the mean over its own. What
falls on the mark of the end is left out, so that a row sums up to 1 at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import torch
from torch import Tensor

from fewshot_metalstm.encoders.features import means
from fewshot_metalstm.kinds.translation.encoding import Batch, padded, sentences
from fewshot_metalstm.kinds.translation.model import TranslationModel

_AT_ONCE = 50  # sentences


@torch.no_grad()
def alignments(
    model: TranslationModel, sources: Sequence[Sequence[str]], written: Sequence[Sequence[str]]
) -> list[Tensor]:
    """The weights of each sentence, (words written, words read).

    Args:
        sources: the words of each sentence, one at least.
        written: those of its translation; without any, so are the weights.
    """
    found: list[Tensor] = []
    for first in range(0, len(sources), _AT_ONCE):
        found += _some(model, sources[first : first + _AT_ONCE], written[first : first + _AT_ONCE])
    return found


def _some(
    model: TranslationModel, sources: Sequence[Sequence[str]], written: Sequence[Sequence[str]]
) -> list[Tensor]:
    learner, subwords = model.learner, model.subwords
    # No subword reaches over a space, so that words can be cut one by one.
    read, wrote = ([subwords.numbers(list(words)) if words else [] for words in side]
                   for side in (sources, written))  # fmt: skip
    device = next(learner.parameters()).device
    targets = [(*chain(*pieces), subwords.end) for pieces in wrote]
    wanted, lengths = padded(targets, device)
    batch = Batch(
        sentences([(*chain(*pieces), subwords.end) for pieces in read], device),
        padded([(subwords.start, *row[:-1]) for row in targets], device)[0], wanted, lengths,
    )  # fmt: skip
    weights = learner.attention(batch).cpu()
    found = []
    for row, ours, theirs in zip(weights, wrote, read, strict=True):
        sizes = torch.tensor([len(pieces) for pieces in theirs])
        own = row[: sum(map(len, ours)), : int(sizes.sum())]
        summed = means(own.T.contiguous(), sizes) * sizes[:, None]  # (words read, subwords written)
        counts = torch.tensor([len(pieces) for pieces in ours], dtype=torch.int64)
        found.append(means(summed.T.contiguous(), counts) if ours else summed.T)
    return found
