"""The mentions of a support as a lexicon: what was annotated once is known when it is met again.

A tagger adapted by gradient steps generalises from the words of its support, yet may miss the very
words where they stand in another context. So decoding adds a bonus, in nats, to the tags of every
run of tokens that equals a mention of the support, provided that the support annotates it nearly
wherever it holds it. It is a bonus and no rule: the context still has its say.

Source: the dictionary features of Ratinov, Roth, "Design Challenges and Misconceptions in Named
Entity Recognition", CoNLL 2009, section 5.2 (gazetteers), with the support as the gazetteer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from fewshot_metalstm.kinds.tagging.corpora.schemes import spans
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.nn.vectors import normalise

SHARE = 0.9  # of its occurrences in the support that have to be annotated alike
Phrase = tuple[str, ...]


@dataclass(frozen=True)
class Lexicon:
    """Mentions and their entity types.

    ``mentions`` maps normalised tokens (lower case, every digit a 0) to the type; ``bonus`` is in
    nats, at least 0.
    """

    mentions: Mapping[Phrase, str] = field(default_factory=dict)
    bonus: float = 0.0
    _starts: dict[str, tuple[Phrase, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts: dict[str, list[Phrase]] = {}
        for phrase in self.mentions:
            starts.setdefault(phrase[0], []).append(phrase)
        longest_first = {first: tuple(sorted(p, key=len)[::-1]) for first, p in starts.items()}
        object.__setattr__(self, "_starts", longest_first)

    def find(self, tokens: Sequence[str]) -> Iterator[tuple[int, int, str]]:
        """(start, end, type) of the mentions in ``tokens``, from left to right, longest first.

        They do not overlap; ``end`` is exclusive.
        """
        starts = self._starts
        end = 0
        for start, token in enumerate(tokens):  # nearly all tokens get no further than here
            candidates = starts.get(normalise(token))
            if candidates is None or start < end:
                continue
            for phrase in candidates:
                if tuple(map(normalise, tokens[start : start + len(phrase)])) == phrase:
                    end = start + len(phrase)
                    yield start, end, self.mentions[phrase]
                    break

    def prior(self, sentences: Sequence[Sequence[str]], types: Sequence[str]) -> Tensor | None:
        """What to add to the emissions of a batch of these sentences.

        Returns:
            (B, T, 1 + 4 * types), T the length of the longest; None if it is zero everywhere.
        """
        if not self.bonus:
            return None
        found = [
            (row, start, end, 1 + 4 * types.index(kind))
            for row, tokens in enumerate(sentences)
            for start, end, kind in self.find(tokens)
        ]
        if not found:
            return None
        prior = torch.zeros(len(sentences), max(map(len, sentences)), 1 + 4 * len(types))
        for row, start, end, first in found:  # a type's tags stand in the order B, I, E, S
            if end - start == 1:
                prior[row, start, first + 3] = self.bonus
                continue
            prior[row, start, first] = self.bonus
            prior[row, start + 1 : end - 1, first + 1] = self.bonus
            prior[row, end - 1, first + 2] = self.bonus
        return prior

    def as_dict(self) -> dict[str, Any]:
        """As a model's ``config.json`` holds it; see :func:`read_lexicon`."""
        mentions = [[kind, *phrase] for phrase, kind in self.mentions.items()]
        return {"bonus": self.bonus, "mentions": mentions}


def read_lexicon(stored: Mapping[str, Any], types: Sequence[str]) -> Lexicon:
    """The lexicon that :meth:`Lexicon.as_dict` gave.

    Raises:
        ValueError: a mention without a word, or of a type that is none of ``types``.
    """
    mentions = {tuple(phrase): kind for kind, *phrase in stored["mentions"]}
    if not all(mentions) or not set(mentions.values()) <= set(types):
        raise ValueError("a mention of the lexicon is empty or of an unknown type")
    return Lexicon(mentions, float(stored["bonus"]))


def lexicon_of(support: Sequence[Sentence], types: Sequence[str], bonus: float) -> Lexicon:
    """The lexicon of a support: its mentions, without those that it mostly leaves unannotated.

    A phrase that the support annotates with several types, or within longer mentions, counts as
    annotated alike only where it is.
    """
    annotated: Counter[tuple[Phrase, str]] = Counter()
    forms = [tuple(normalise(token) for token in sentence.tokens) for sentence in support]
    for sentence, tokens in zip(support, forms, strict=True):
        for span in spans(sentence.tags):
            if span.type in types:
                annotated[tokens[span.start : span.end], span.type] += 1
    everything = Lexicon(dict(annotated.keys()))
    occurrences: Counter[Phrase] = Counter()
    for tokens in forms:
        for start, token in enumerate(tokens):
            for phrase in everything._starts.get(token, ()):
                occurrences[phrase] += tokens[start : start + len(phrase)] == phrase
    kept = {p: kind for (p, kind), n in annotated.items() if n >= SHARE * occurrences[p]}
    return Lexicon(kept, bonus)
