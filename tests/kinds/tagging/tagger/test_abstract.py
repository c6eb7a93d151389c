"""Transitions counted on source tasks, and what a target makes of them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.abstract import (
    abstract,
    count_transitions,
    transition_scores,
)
from fewshot_metalstm.nn.transitions import TRANSITIONS, expand
from tests.kinds.tagging.tagger.builders import TARGET, suite


def corpus_of(*rows: str) -> Task:
    """A task of two types whose train split has these tags."""
    given = [tuple(row.split()) for row in rows]
    split = tuple(Sentence(tuple(f"w{i}" for i in range(len(t))), t) for t in given)
    corpus = replace(TARGET.corpus, splits={"train": split}, types=("X", "Y"))
    return Task("tiny", corpus, ("X", "Y"))


TASK = corpus_of("O B-X I-X E-X S-X S-Y", "S-X O O", "B-Y E-Y B-X E-X O")


def test_counted_by_hand() -> None:
    counts = count_transitions([TASK])
    assert {name: n for name, n in counts.items() if n} == {
        "start>O": 1, "start>S": 1, "start>B": 1,
        "O>B": 1, "O>O": 1, "B>I": 1, "I>E": 1, "B>E": 2,
        "E>S=": 1, "S>S!": 1, "S>O": 1, "E>B!": 1, "E>O": 1,
    }  # fmt: skip
    assert count_transitions([TASK, TASK]) == {name: 2 * n for name, n in counts.items()}
    one = count_transitions([replace(TASK, types=("Y",))])
    assert (one["E>O"], one["E>B!"], one["O>S"]) == (1, 0, 1), "of the task's own types alone"


def test_every_pair_has_a_name_that_the_crf_knows() -> None:
    names = {f"{kind}-{name}" for kind in "BIES" for name in ("X", "Y")} | {"O"}
    known = {abstract("start", "O"), abstract("start", "B-X"), abstract("start", "S-X")}
    for before in names:
        for after in names:
            legal = (before[0] in "BI") == (after[0] in "IE") and (
                before[0] not in "BI" or before[2:] == after[2:]
            )
            if legal:
                known.add(abstract(before, after))
    assert known | {"O>end", "E>end", "S>end"} == set(TRANSITIONS)


def test_scores_by_hand() -> None:
    """From O: counts O 5, B 2, S 1, one more each; two types share B and S."""
    counts = dict.fromkeys((n for n in TRANSITIONS if not n.endswith(">end")), 0)
    counts |= {"O>O": 5, "O>B": 2, "O>S": 1}
    scores = dict(zip(TRANSITIONS, transition_scores(counts, 2, 0.5).tolist(), strict=True))
    stay, begin, single = (6 / 11) ** 0.5, (3 / 22) ** 0.5, (2 / 22) ** 0.5
    whole = stay + 2 * begin + 2 * single
    assert scores["O>O"] == pytest.approx(math.log(stay / whole))
    assert scores["O>B"] == pytest.approx(math.log(begin / whole))
    assert scores["O>S"] == pytest.approx(math.log(single / whole))
    assert scores["B>I"] == scores["B>E"] == pytest.approx(math.log(0.5))
    assert scores["O>end"] == 0.0


@pytest.mark.parametrize("types", [1, 2, 5])
@pytest.mark.parametrize("temperature", [1.0, 0.32])
def test_what_may_follow_a_tag_adds_up_to_one(types: int, temperature: float) -> None:
    counts = count_transitions([*suite().train, TASK])
    inner, start, _ = expand(transition_scores(counts, types, temperature), types)
    torch.testing.assert_close(inner.exp().sum(1), torch.ones(1 + 4 * types))
    torch.testing.assert_close(start.exp().sum(), torch.tensor(1.0))


def test_other_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="counts of other transitions"):
        transition_scores({"O>O": 3}, 1, 1.0)
