"""Which tags may follow each other, and by which score."""

from __future__ import annotations

import itertools

import pytest
import torch

from fewshot_metalstm.nn.transitions import TRANSITIONS, expand, transition_index
from tests.nn.paths import legal, names, transition_name


@pytest.mark.parametrize("types", [1, 2, 3])
def test_transitions_are_legal_exactly_where_the_scheme_says(types: int) -> None:
    inner, start, end = transition_index(types)
    tags = names(types)
    for (i, before), (j, after) in itertools.product(enumerate(tags), repeat=2):
        head = [] if before[0] in "OBS" else ["B" + before[1:]]
        tail = [] if after[0] in "OES" else ["E" + after[1:]]
        allowed = legal([*head, before, after, *tail])
        assert bool(inner[i, j] >= 0) == allowed, (before, after)
        if allowed:
            assert TRANSITIONS[int(inner[i, j])] == transition_name(before, after)
    assert [bool(i >= 0) for i in start] == [tag[0] in "OBS" for tag in tags]
    assert [bool(i >= 0) for i in end] == [tag[0] in "OES" for tag in tags]


def test_every_abstract_transition_is_used_by_two_types_and_masks_are_no_parameter() -> None:
    index = torch.cat([part.flatten() for part in transition_index(2)])
    assert set(index.tolist()) == {-1, *range(len(TRANSITIONS))}
    assert len(set(TRANSITIONS)) == len(TRANSITIONS)
    scores = torch.arange(float(len(TRANSITIONS)))
    inner, start, _ = expand(scores, 2)
    assert inner[0, 2] == start[2] == -torch.inf
    assert inner[3, 1] == scores[TRANSITIONS.index("E>B=")]
    assert inner[3, 5] == scores[TRANSITIONS.index("E>B!")]
