"""The likelihood of tags without a CRF, against torch's cross-entropy."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from fewshot_metalstm.nn.each_token import negative_log_likelihood

LENGTHS = torch.tensor([3, 1, 4])


def problem(types: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    emissions = torch.randn(3, 4, 1 + 4 * types, generator=generator, dtype=torch.float64)
    return emissions, torch.randint(1 + 4 * types, (3, 4), generator=generator)


def test_a_sentence_costs_what_its_tokens_do() -> None:
    emissions, tags = problem()
    found = negative_log_likelihood(emissions, tags, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        wanted = cross_entropy(emissions[row, :length], tags[row, :length], reduction="sum")
        assert found[row].item() == pytest.approx(wanted.item())


def test_of_one_label_a_token_single_tags_compete() -> None:
    emissions, _ = problem(types=3)
    labels = torch.tensor([[0, 2, 1, 0], [1, 0, 0, 0], [2, 2, 0, 1]])
    found = negative_log_likelihood(emissions, 4 + 4 * labels, LENGTHS, one_a_token=True)
    own = emissions[:, :, [4, 8, 12]]
    for row, length in enumerate(LENGTHS.tolist()):
        wanted = cross_entropy(own[row, :length], labels[row, :length], reduction="sum")
        assert found[row].item() == pytest.approx(wanted.item())


def test_padding_has_no_part_in_it() -> None:
    emissions, tags = problem()
    emissions.requires_grad_()
    loss = negative_log_likelihood(emissions, tags, LENGTHS)
    (gradient,) = torch.autograd.grad(loss.sum(), emissions)
    inside = torch.arange(4) < LENGTHS.unsqueeze(1)
    assert not gradient[~inside].any()
    assert gradient[inside].any(1).all()
    other, wrong = emissions.detach().clone(), tags.clone()
    other[~inside], wrong[~inside] = torch.nan, 99
    assert torch.equal(negative_log_likelihood(other, wrong, LENGTHS), loss.detach())
