"""What a learner does by default."""

from __future__ import annotations

import torch

from tests.meta.toys import Regressor, Sines

BATCH = Sines().episode(0, 0).support


def test_loss_under_other_parameters_and_under_its_own() -> None:
    learner = Regressor()
    own = learner.initial(BATCH)
    assert torch.equal(learner.loss(own, BATCH), learner(BATCH))
    other = {name: torch.zeros_like(value) for name, value in own.items()}
    torch.testing.assert_close(learner.loss(other, BATCH), BATCH.y.square().mean())
    assert all(p.any() for p in learner.parameters()), "its own parameters stay"


def test_initial_is_the_learners_own_parameters_and_heads_merge_to_their_mean() -> None:
    learner = Regressor()
    own = dict(learner.named_parameters())
    assert all(value is own[name] for name, value in learner.initial(BATCH).items())
    heads = [{n: torch.full_like(own[n], v) for n in learner.head()} for v in (1.0, 3.0)]
    merged = learner.merge_heads(heads)
    assert set(merged) == {"fast_weight", "fast_bias"}
    assert all(bool((value == 2.0).all()) for value in merged.values())
