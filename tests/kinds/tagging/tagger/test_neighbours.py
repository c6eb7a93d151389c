"""Tagging by the nearest tokens of a support."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme, validate
from fewshot_metalstm.kinds.tagging.tagger import neighbours as module
from fewshot_metalstm.kinds.tagging.tagger.decode import tag
from fewshot_metalstm.kinds.tagging.tagger.neighbours import (
    FAR,
    Neighbours,
    neighbours_of,
    read_neighbours,
)
from fewshot_metalstm.kinds.tagging.tagger.prototypes import tokens_of
from tests.kinds.tagging.tagger.builders import encoded, model, own, sentences


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


TAGS = torch.tensor([0, 4, 0, 1, 3, 2, 8, 0, 5, 7, 6, 4])
STATES = random(12, 6).half().float()


@pytest.mark.parametrize("rows", [1, 2, 2048])
def test_scores_are_those_of_a_plain_search(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(module, "ROWS", rows)
    made = neighbours_of([STATES[:5], STATES[5:]], [TAGS[:5], TAGS[5:]], 9)
    asked = random(2, 3, 6, seed=1)
    found = made.scores(asked)
    assert found.shape == (2, 3, 9)
    known, of, q = STATES.numpy(), TAGS.numpy(), asked.numpy()
    for b in range(2):
        for t in range(3):
            away = -((known - q[b, t]) ** 2).sum(1)
            wanted = [away[of == k].max() for k in range(9)]
            np.testing.assert_allclose(found[b, t].numpy(), wanted, rtol=1e-5, atol=1e-5)


def test_a_token_of_the_support_is_nearest_to_itself() -> None:
    made = neighbours_of([STATES], [TAGS], 9)
    found = made.scores(STATES.unsqueeze(0))[0]
    assert found.argmax(1).tolist() == TAGS.tolist()
    torch.testing.assert_close(found.amax(1), torch.zeros(12), atol=1e-5, rtol=0)
    assert bool((found <= 0).all())


def test_tags_without_tokens_are_as_near_as_their_type() -> None:
    """The support has S of the first type, no O, and nothing of the second type."""
    made = neighbours_of([torch.tensor([[1.0], [3.0]])], [torch.tensor([4, 4])], 9)
    (found,) = made.scores(torch.tensor([[[2.5]]]))[0].tolist()
    assert found[:5] == [-0.25] * 5
    assert found[5:] == [FAR] * 4


def test_the_order_of_the_support_does_not_matter() -> None:
    order = torch.randperm(12, generator=torch.Generator().manual_seed(2))
    asked = random(1, 5, 6, seed=3)
    first, second = (
        neighbours_of([STATES[o]], [TAGS[o]], 9).scores(asked) for o in (torch.arange(12), order)
    )
    torch.testing.assert_close(first, second)


def test_kept_in_half_precision_and_read_back() -> None:
    made = neighbours_of([random(12, 6)], [TAGS], 9)
    assert made.hidden.dtype == torch.float16
    read = read_neighbours(made.tensors(), 9, 6)
    assert read.counts == made.counts == (3, 1, 1, 1, 2, 1, 1, 1, 1)
    asked = random(2, 4, 6, seed=4)
    assert torch.equal(read.scores(asked), made.scores(asked))


def test_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="without tokens"):
        neighbours_of([torch.zeros(0, 6)], [TAGS[:0]], 9)
    tensors = neighbours_of([STATES], [TAGS], 9).tensors()
    for tags, width in ((5, 6), (9, 7)):
        with pytest.raises(ValueError, match="do not fit"):
            read_neighbours(tensors, tags, width)
    with pytest.raises(ValueError, match="missing"):
        read_neighbours({"hidden": tensors["hidden"]}, 9, 6)


def test_a_tagger_decodes_by_them_and_legally() -> None:
    """Tags at random, so that the nearest make no sense: what is decoded is legal."""
    made = model(types=2)
    params = own(made.learner)
    params["head_transitions"].zero_()
    text = [s.tokens for s in sentences(20, ("X", "Y"), 1)]
    before = tag(made.learner, params, made.table(), text, ("X", "Y"))
    batch = encoded(made.table(), sentences(20, ("X", "Y"), 2), ("X", "Y"))
    states, _ = tokens_of(made.learner.hidden(batch), batch)
    tags = torch.randint(9, (len(states),), generator=torch.Generator().manual_seed(0))
    made.learner.neighbours = neighbours_of([states], [tags], 9)
    found = tag(made.learner, params, made.table(), text, ("X", "Y"))
    assert found != before
    assert {name for row in found for name in row} >= {"S-X", "S-Y", "O", "B-X", "E-Y"}
    for row, tokens in zip(found, text, strict=True):
        validate(row, Scheme.IOBES)
        assert tag(made.learner, params, made.table(), [tokens], ("X", "Y")) == [row]
    params["head_type"] = params["head_type"] + 7.0
    assert tag(made.learner, params, made.table(), text, ("X", "Y")) == found
    made.learner.neighbours = None
    assert tag(made.learner, params, made.table(), text, ("X", "Y")) != found


def test_they_are_no_parameters() -> None:
    learner = model(types=2).learner
    before = set(own(learner))
    learner.neighbours = Neighbours(torch.zeros(9, 16), (1,) * 9)
    assert set(own(learner)) == before == set(learner.state_dict())
