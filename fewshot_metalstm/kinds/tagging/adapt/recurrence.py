"""How many mentions of a support its other mentions would find, by word or by shape.

A type that a few words or one shape of word define (a mutation such as ``V600E``, a quantity, cells
named by kind) is soon learned from the support alone; one of ever new names is not. That can be
told before any learner is trained: leave one mention out and look whether the rest knows it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from fewshot_metalstm.kinds.tagging.corpora.schemes import spans
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.nn.vectors import normalise

SHARE = 0.5  # of a form's other occurrences that have to be in mentions of the type


def shape(word: str) -> str:
    """Runs of capitals, small letters and digits as one sign each: ``Val66Met`` is ``Aa0Aa``."""
    signs: list[str] = []
    for character in word:
        if character.isdigit():
            sign = "0"
        elif character.isalpha():
            sign = "A" if character.isupper() else "a"
        else:
            sign = character
        if not signs or signs[-1] != sign or sign not in "0Aa":
            signs.append(sign)
    return "".join(signs)


def recurring(support: Sequence[Sentence]) -> float:
    """The share of mentions with a word, or a shape, that other mentions of the type have.

    A form counts where at least half of its other occurrences in the support are in mentions of
    the type. Of words (in lower case, every digit a 0) and shapes the better share is taken; 0 if
    there is no mention.
    """
    return max(_found(support, form) for form in (normalise, shape))


def _found(support: Sequence[Sentence], form: Callable[[str], str]) -> float:
    everywhere: Counter[str] = Counter()
    inside: Counter[tuple[str, str]] = Counter()
    holding: Counter[tuple[str, str]] = Counter()  # mentions, not occurrences
    mentions: list[tuple[str, tuple[str, ...]]] = []
    for sentence in support:
        forms = tuple(map(form, sentence.tokens))
        everywhere.update(forms)
        for span in spans(sentence.tags):
            own = forms[span.start : span.end]
            mentions.append((span.type, own))
            inside.update((span.type, each) for each in own)
            holding.update((span.type, each) for each in set(own))

    def known(kind: str, each: str) -> bool:
        if holding[kind, each] < 2:
            return False
        return inside[kind, each] - 1 >= SHARE * (everywhere[each] - 1)

    found = sum(any(known(kind, each) for each in own) for kind, own in mentions)
    return found / len(mentions) if mentions else 0.0
