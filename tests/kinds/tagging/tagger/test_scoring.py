"""Scores against seqeval in strict mode, and against counting by hand."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import classification_report, f1_score, precision_score, recall_score
from seqeval.scheme import IOBES

from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme, encode
from fewshot_metalstm.kinds.tagging.corpora.sentence import Span
from fewshot_metalstm.kinds.tagging.tagger.encoding import labels
from fewshot_metalstm.kinds.tagging.tagger.scoring import (
    f1,
    mention_counts,
    strict_scores,
)

TYPES = ("Drug", "Gene")
TAGS = labels(TYPES)


def legal(rng: random.Random, length: int) -> list[str]:
    mentions, at = [], 0
    while at < length:
        if rng.random() < 0.4:
            end = min(length, at + rng.randint(1, 3))
            mentions.append(Span(at, end, rng.choice(TYPES)))
            at = end
        else:
            at += 1
    return list(encode(mentions, length, Scheme.IOBES))


def corrupted(rng: random.Random, tags: Sequence[str]) -> list[str]:
    """Mostly the same tags, some of them any other: often illegal."""
    return [rng.choice(TAGS) if rng.random() < 0.2 else tag for tag in tags]


def by_hand(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """Mentions of any tags, in strict mode: S, or B, then any I, then E, all of one type."""
    found = set()
    for start, tag in enumerate(tags):
        if tag[0] == "S":
            found.add((start, start, tag[2:]))
        if tag[0] == "B":
            end = start + 1
            while end < len(tags) and tags[end] == f"I-{tag[2:]}":
                end += 1
            if end < len(tags) and tags[end] == f"E-{tag[2:]}":
                found.add((start, end, tag[2:]))
    return found


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**31), illegal=st.booleans())
def test_strict_scores_equal_seqeval_and_counting_by_hand(seed: int, illegal: bool) -> None:
    rng = random.Random(seed)
    gold = [legal(rng, rng.randint(1, 9)) for _ in range(6)]
    predicted = [
        corrupted(rng, g) if illegal else (g if rng.random() < 0.5 else legal(rng, len(g)))
        for g in gold
    ]
    score = strict_scores(gold, predicted)
    for name, measure in (
        ("f1", f1_score), ("precision", precision_score), ("recall", recall_score)
    ):  # fmt: skip
        if any(t != "O" for s in (*gold, *predicted) for t in s):
            theirs = measure(gold, predicted, mode="strict", scheme=IOBES, zero_division=0)
            assert getattr(score, name) == pytest.approx(100 * theirs), name
    right = found = wanted = 0
    for g, p in zip(gold, predicted, strict=True):
        a, b = by_hand(g), by_hand(p)
        right, found, wanted = right + len(a & b), found + len(b), wanted + len(a)
    assert score.f1 == pytest.approx(f1(right, found, wanted))
    assert score.mentions == wanted
    if not illegal:
        places = {tag: i for i, tag in enumerate(TAGS)}
        counts = mention_counts(
            [[places[t] for t in s] for s in gold], [[places[t] for t in s] for s in predicted]
        )
        assert counts == (right, found, wanted)


def test_scores_of_each_type() -> None:
    gold = [["S-Gene", "O", "B-Drug", "E-Drug"], ["S-Drug"]]
    predicted = [["S-Gene", "S-Gene", "B-Drug", "E-Drug"], ["O"]]
    score = strict_scores(gold, predicted)
    assert score.f1 == pytest.approx(200 * 2 / 6)
    gene, drug = score.per_type["Gene"], score.per_type["Drug"]
    assert (gene.precision, gene.recall, gene.mentions) == (50, 100, 1)
    assert (drug.precision, drug.recall, drug.mentions) == (100, 50, 2)


def test_bounds_and_type_must_both_be_right() -> None:
    gold = [["B-Gene", "E-Gene"]]
    for wrong in (["B-Drug", "E-Drug"], ["S-Gene", "O"], ["B-Gene", "I-Gene"], ["S-Gene"] * 2):
        assert strict_scores(gold, [wrong]).f1 == 0, wrong


def test_no_mention_at_all_scores_zero() -> None:
    score = strict_scores([["O", "O"]], [["O", "O"]])
    assert (score.f1, score.mentions, score.per_type) == (0, 0, {})
    assert strict_scores([["O"]], [["S-Gene"]]).f1 == 0
    assert strict_scores([["S-Gene"]], [["O"]]).mentions == 1
    assert f1(0, 0, 0) == 0


def test_sentences_that_do_not_match_are_an_error() -> None:
    with pytest.raises(ValueError, match="sentence 1: 2 gold tags, 1 predicted"):
        strict_scores([["O"], ["O", "O"]], [["O"], ["O"]])
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        strict_scores([["O"], ["O"]], [["O"]])


@pytest.mark.parametrize("seed", range(10))
def test_types_of_any_name_are_scored_as_those_of_plain_names(seed: int) -> None:
    odd = {"Drug": "Gene-", "Gene": "micro avg"}
    rng = random.Random(seed)
    gold = [legal(rng, rng.randint(1, 9)) for _ in range(6)]
    predicted = [corrupted(rng, tags) for tags in gold]
    plain = strict_scores(gold, predicted)

    def renamed(sentences: list[list[str]]) -> list[list[str]]:
        return [[t if t == "O" else t[:2] + odd[t[2:]] for t in s] for s in sentences]

    assert strict_scores(renamed(gold), renamed(predicted)) == replace(
        plain, per_type={odd[name]: score for name, score in plain.per_type.items()}
    )
    table = classification_report(
        gold, predicted, mode="strict", scheme=IOBES, output_dict=True, zero_division=0
    )
    assert {name: score.f1 for name, score in plain.per_type.items()} == {
        name: 100 * row["f1-score"] for name, row in table.items() if not name.endswith(" avg")
    }
    assert plain.f1 == 100 * table["micro avg"]["f1-score"]


def test_types_that_differ_in_a_hyphen_are_two() -> None:
    score = strict_scores([["S-A"]], [["S-A-"]])
    assert (score.f1, set(score.per_type)) == (0, {"A", "A-"})
