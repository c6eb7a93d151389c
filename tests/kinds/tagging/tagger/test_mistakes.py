"""Mistakes beside gold: their kinds, their pairs, what they cost."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme, encode
from fewshot_metalstm.kinds.tagging.corpora.sentence import Span
from fewshot_metalstm.kinds.tagging.tagger.mistakes import Match, costs, match, totals
from fewshot_metalstm.kinds.tagging.tagger.scoring import f1, strict_scores


def kinds(gold: list[Span], found: list[Span]) -> list[str]:
    return [one.kind for one in match(gold, found)]


def test_each_kind() -> None:
    a, b = Span(0, 2, "Gene"), Span(4, 5, "Gene")
    assert kinds([a, b], [a, b]) == ["right", "right"]
    assert kinds([a, b], [b]) == ["missed", "right"]
    assert kinds([b], [a, b]) == ["spurious", "right"]
    assert kinds([a], [Span(0, 3, "Gene")]) == ["boundary"]
    assert kinds([a], [Span(0, 2, "Drug")]) == ["type"]
    assert kinds([a], [Span(1, 3, "Drug")]) == ["type"]
    assert kinds([a], [Span(2, 3, "Gene")]) == ["missed", "spurious"]


def test_a_mention_is_in_one_pair_and_equal_ones_come_first() -> None:
    long = Span(0, 6, "Gene")
    parts = [Span(0, 1, "Gene"), Span(2, 6, "Gene")]
    assert match([long], parts) == [Match(None, parts[0]), Match(long, parts[1])]
    assert match(parts, [long, parts[0]]) == [Match(parts[0], parts[0]), Match(parts[1], long)]
    # the same bounds before more tokens of the same type
    gold = [Span(1, 3, "Gene")]
    assert match(gold, [Span(1, 3, "Drug"), Span(0, 5, "Gene")])[1].found == Span(1, 3, "Drug")


@st.composite
def mentions(draw: st.DrawFn, tokens: int = 10) -> list[Span]:
    """Disjoint mentions of a sentence."""
    bounds = draw(st.lists(st.integers(0, tokens), unique=True, max_size=8).map(sorted))
    names = st.sampled_from(["A", "B"])
    pairs = zip(bounds[::2], bounds[1::2], strict=False)
    return [Span(start, end, draw(names)) for start, end in pairs]


@settings(deadline=None)  # the first use imports seqeval
@given(mentions(), mentions())
def test_every_mention_is_there_once_and_the_f1_is_that_of_scoring(
    gold: list[Span], found: list[Span]
) -> None:
    pairs = match(gold, found)
    assert Counter(p.gold for p in pairs if p.gold) == Counter(gold)
    assert Counter(p.found for p in pairs if p.found) == Counter(found)
    tags = [[encode(each, 10, Scheme.IOBES)] for each in (gold, found)]
    assert f1(*totals(pairs)) == pytest.approx(strict_scores(*tags).f1)
    assert [p.place.start for p in pairs] == sorted(p.place.start for p in pairs)


def test_costs_are_what_f1_would_gain() -> None:
    tokens = [("p53", "binds", "DNA"), ("p53", "and", "p53"), ("mice", "ate", ".")]
    gene = Span(0, 1, "Gene")
    matches = [
        match([gene], []),
        match([gene, Span(2, 3, "Gene")], [gene]),
        match([], [Span(0, 1, "Gene")]),
    ]
    first, second = costs(tokens, matches)
    assert (first.kind, first.text, first.number, first.places) == ("missed", "p53", 2, (0, 1))
    before = f1(1, 2, 3)
    assert first.gain == pytest.approx(f1(3, 4, 3) - before)
    assert (second.kind, second.text) == ("spurious", "mice")
    assert second.gain == pytest.approx(f1(1, 1, 3) - before)
    assert costs(tokens[:1], [match([gene], [gene])]) == []
