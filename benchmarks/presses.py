"""What a person presses on the page of ``annotate`` to make a sentence right: keys, or the mouse.

The person knows the mentions, makes no mistake and takes the shortest way among those counted here;
without proposals just so. What each key does is in ``docs/annotate.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fewshot_metalstm.kinds.tagging.corpora.sentence import Span

Sure: TypeAlias = tuple[Span, float]
"""A span and its probability."""


@dataclass(frozen=True)
class Shown:
    """A sentence of ``length`` words as it comes, with what is proposed and what else is likely."""

    length: int
    proposals: tuple[Sure, ...] = ()
    likely: tuple[Sure, ...] = ()


def meet(one: Span, other: Span) -> bool:
    """Whether they share a word."""
    return one.start < other.end and other.start < one.end


def marking(gold: Sequence[Span], length: int) -> int:
    """Keys that mark mentions of a sentence of so many words, from left to right.

    The cursor goes to a mention's first word from where it is, or from either end of the sentence
    by Home and End; a key more for each further word, and one for the type.
    """
    total, cursor = 0, None
    for span in gold:
        ways = [1 + span.start, 1 + (length - 1 - span.start)]
        if cursor is not None:
            ways.append(abs(span.start - cursor))
        total += min(ways) + (span.end - span.start - 1) + 1
        cursor = span.end - 1
    return total


def moves(span: Span, wanted: Span) -> int:
    """Keys that move the ends of a span by words until it is another."""
    return abs(span.start - wanted.start) + abs(span.end - wanted.end)


def keys(gold: Sequence[Span], shown: Shown) -> int:
    """Keys from a sentence's coming to its being annotated, as ``gold`` has it."""
    missing = [span for span in gold if span not in dict(shown.proposals)]
    total, fixes = _ends(missing, shown)
    left = [span for span in missing if span not in fixes.values()]
    rest = {span for span, _ in shown.proposals} - fixes.keys()
    by_keys, by_hand = _likely(left, [*rest, *fixes.values()], shown)
    total += by_keys
    picked = bool(left)  # a mention is, and would be what keys act on; Escape leaves it
    # What overlaps a mention that is marked is proposed no more; the least sure is decided first.
    order = [span for span, _ in sorted(shown.proposals, key=lambda each: each[1])
             if span in fixes or not any(meet(span, each) for each in by_hand)]  # fmt: skip
    while order:
        right = [span in gold for span in order]
        if not any(span in fixes for span in order) and (all(right) or not any(right)):
            break
        span = order.pop(0)
        if span in fixes:  # what moves its ends is counted above
            total += picked
        else:
            total += 1  # a or r
        picked = span in fixes or span in gold
    return total + (2 if order and order[0] not in gold else 1)


def _ends(missing: Sequence[Span], shown: Shown) -> tuple[int, dict[Span, Span]]:
    """Proposals that are mended by moving their ends, as what; and the keys."""
    total, fixes = 0, dict[Span, Span]()
    for span, _ in shown.proposals:
        ways = [
            (moves(span, each), each)
            for each in missing
            if each.type == span.type and meet(span, each) and each not in fixes.values()
        ]
        if ways:
            cost, wanted = min(ways, key=lambda way: way[0])
            if cost <= marking([wanted], shown.length):
                total += cost
                fixes[span] = wanted
    return total, fixes


def listed(likely: Sequence[Sure], taken: Sequence[Span]) -> list[Span]:
    """What ``m`` goes through: the likeliest first, apart from what is there and each other."""
    found: list[Span] = []
    for span, _ in sorted(likely, key=lambda each: -each[1]):
        if not any(meet(span, each) for each in (*taken, *found)):
            found.append(span)
    return found


def _likely(missing: Sequence[Span], taken: Sequence[Span], shown: Shown) -> tuple[int, list[Span]]:
    """Keys that mark what is missing, some by way of ``m``; and what is marked by hand."""
    best = marking(missing, shown.length), list(missing)
    total, left = 0, list(missing)
    for span in listed(shown.likely, taken):
        total += 1
        ways = [
            (moves(span, each), each)
            for each in left
            if each.type == span.type and meet(span, each)
        ]
        if not ways:
            continue
        cost, wanted = min(ways, key=lambda way: way[0])
        total += max(1, cost)  # a, or what moves its ends
        left.remove(wanted)
        if total + marking(left, shown.length) < best[0]:
            best = total + marking(left, shown.length), list(left)
    return best


def strokes(gold: Sequence[Span], shown: Shown) -> int:
    """The same by mouse: a drag and a click a mention, a click a decision, and one at the end."""
    proposed = dict(shown.proposals)
    missing = [span for span in gold if span not in proposed]
    right = sum(span in proposed for span in gold)
    wrong = sum(
        span not in gold and not any(meet(span, each) for each in missing) for span in proposed
    )
    # Accept all; without the wrong ones, or instead each right one, and Annotated, pressed twice.
    end = min(wrong + 1, right + 2) if wrong else 1
    return 2 * len(missing) + end
