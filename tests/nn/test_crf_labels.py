"""The CRF of one label a token against the enumeration of every label sequence."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from fewshot_metalstm.nn import crf
from fewshot_metalstm.nn.transitions import TRANSITIONS
from tests.nn.paths import random_problem

LENGTHS = [3, 1, 2]


def score(emissions: Tensor, scores: Tensor, labels: tuple[int, ...]) -> Tensor:
    """The score of a label sequence, written out."""
    at = {name: scores[place] for place, name in enumerate(TRANSITIONS)}
    total = at["start>S"] + at["S>end"]
    for step, label in enumerate(labels):
        total = total + emissions[step, 4 + 4 * label]
        if step:
            total = total + at["S>S=" if labels[step - 1] == label else "S>S!"]
    return total


@pytest.mark.parametrize("types", [1, 3])
def test_loss_decoding_and_marginals_equal_enumeration(types: int) -> None:
    emissions, scores, lengths = random_problem(types, LENGTHS)
    found = crf.viterbi(emissions, scores, lengths, one_a_token=True)
    for row, length in enumerate(LENGTHS):
        every = list(itertools.product(range(types), repeat=length))
        totals = torch.stack([score(emissions[row], scores, labels) for labels in every])
        best = every[int(totals.argmax())]
        assert found[row] == [4 + 4 * label for label in best]
        tags = torch.zeros(1, 3, dtype=torch.int64)
        tags[0, :length] = torch.tensor(found[row])
        loss = crf.negative_log_likelihood(
            emissions[row : row + 1], scores, tags, lengths[row : row + 1], one_a_token=True
        )
        torch.testing.assert_close(loss[0], totals.logsumexp(0) - totals.max())
        chances = totals.softmax(0)
        for step, label in itertools.product(range(length), range(types)):
            wanted = sum(p for p, labels in zip(chances, every, strict=True)
                         if labels[step] == label)  # fmt: skip
            place = torch.tensor([[row, step, step + 1, label]])
            got = crf.mention_marginals(emissions, scores, lengths, place, one_a_token=True)
            torch.testing.assert_close(got[0], wanted)


def test_the_other_tags_and_the_padding_have_no_part() -> None:
    emissions, scores, lengths = random_problem(2, LENGTHS)
    tags = torch.full((3, 3), 4)
    before = crf.negative_log_likelihood(emissions, scores, tags, lengths, one_a_token=True)
    others = [place for place in range(9) if place not in (4, 8)]
    emissions[:, :, others] = torch.nan
    emissions[1, 1:] = 1e9
    tags[1, 1:] = 0
    after = crf.negative_log_likelihood(emissions, scores, tags, lengths, one_a_token=True)
    assert torch.equal(before, after)


def test_gradients_are_those_of_the_loss() -> None:
    emissions, scores, lengths = random_problem(2, LENGTHS)
    tags = torch.tensor([[4, 8, 8], [8, 0, 0], [4, 4, 0]])
    inputs = (emissions.requires_grad_(), scores.requires_grad_())

    def loss(e: Tensor, s: Tensor) -> Tensor:
        return crf.negative_log_likelihood(e, s, tags, lengths, one_a_token=True)

    assert torch.autograd.gradcheck(loss, inputs)
