"""Retraining: the masks hold, groups stay within their bounds, 8 bits are what is trained for."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch

from fewshot_metalstm.compress.combining import CombiningConfig, conflicts
from fewshot_metalstm.compress.matrices import layouts
from fewshot_metalstm.compress.retrain import (
    Compressed,
    Retraining,
    compressed,
    number_of_steps,
)
from fewshot_metalstm.compress.settings import CompressConfig, RetrainConfig
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.tagger.encoding import Batch
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER
from tests.compress.builders import TEXT
from tests.kinds.tagging.tagger.builders import model

CONFIG = CompressConfig(
    sparsity=0.6, combining=CombiningConfig(4, 1.0),
    retrain=RetrainConfig(passes=4, min_steps=0, batch=10),
)  # fmt: skip


@cache
def material() -> tuple[Tagger, Retraining]:
    made = model(2, TAGGER)
    table = made.table()
    encoded = table.encode(TEXT, made.types)

    def batch(chosen: Sequence[int]) -> Batch:
        return table.batch(encoded.take(chosen))

    return made.learner, Retraining(len(TEXT), batch)


def made(config: CompressConfig, *, data: bool = True) -> Compressed:
    learner, practice = material()
    return compressed(learner, config, practice if data else None)


@pytest.mark.parametrize("int8", [False, True])
def test_masks_and_bounds_hold_through_retraining(int8: bool) -> None:
    learner, _ = material()
    before = {name: value.detach().clone() for name, value in learner.named_parameters()}
    found = made(replace(CONFIG, int8=int8))
    assert found.steps == len(found.losses) == 12
    packable = layouts(learner)
    assert set(found.stored) == set(packable)
    for name, stored in found.stored.items():
        assert not torch.equal(found.params[name], before[name])
        assert torch.equal(found.params[name], stored.value())
        for matrix, packed in zip(
            packable[name].split(found.params[name]), stored.matrices, strict=True
        ):
            # At most one weight of a row and group, and no more than pruning left.
            assert all(conflicts(matrix != 0, group) == 0 for group in packed.groups)
            assert all(len(group) <= 4 for group in packed.groups)
            assert (matrix != 0).mean() <= 0.4 + 1e-9
    # What is not packed was trained, and the learner itself was left alone.
    assert not torch.equal(found.params["head_type"], before["head_type"])
    assert all(torch.equal(p, before[n]) for n, p in learner.named_parameters())


def test_every_weight_is_accounted_for() -> None:
    found = made(CONFIG)
    left = sum(packed.weights for each in found.stored.values() for packed in each.matrices)
    assert left == found.weights - found.magnitude - found.packing
    assert found.magnitude >= 0.59 * found.weights


@pytest.mark.parametrize("data", [False, True])
def test_what_was_zero_before_is_no_weight_and_was_not_pruned(data: bool) -> None:
    learner, practice = material()
    half = deepcopy(learner)
    packable = layouts(half)
    there = zero = 0
    with torch.no_grad():
        for name, value in half.named_parameters():
            if name in packable:
                value[..., : value.shape[-1] // 4] = 0
                there += int(value.count_nonzero())
                zero += value.numel() - int(value.count_nonzero())
    found = compressed(half, CONFIG, practice if data else None)
    left = sum(packed.weights for each in found.stored.values() for packed in each.matrices)
    assert found.weights == there
    assert left == there - found.magnitude - found.packing
    # The share is of all places, and the zeros are among those that go.
    assert found.magnitude == pytest.approx(0.6 * (there + zero) - zero, rel=0.01)


def test_without_items_it_is_pruned_and_packed_alone() -> None:
    learner, _ = material()
    found = made(CONFIG, data=False)
    assert (found.steps, found.losses) == (0, ())
    assert torch.equal(found.params["head_type"], learner.head_type)
    name = next(iter(found.stored))
    value = dict(learner.named_parameters())[name]
    there = found.params[name] != 0
    assert torch.equal(found.params[name][there], value[there])
    assert made(replace(CONFIG, retrain=RetrainConfig(passes=0))).losses == ()


def test_without_pruning_8_bits_change_no_weight_by_more_than_half_a_step() -> None:
    learner, _ = material()
    config = CompressConfig(sparsity=0.0, int8=True, combining=CombiningConfig(1, 0))
    found = made(config, data=False)
    for name, layout in layouts(learner).items():
        value = dict(learner.named_parameters())[name].detach()
        largest = value.abs().amax(dim=-1 if layout.turned else -2, keepdim=True)
        assert bool(((found.params[name] - value).abs() <= largest / 254 + 1e-9).all())


def test_retraining_lowers_the_loss_and_is_the_same_twice() -> None:
    config = replace(CONFIG, retrain=RetrainConfig(passes=30, min_steps=0, noise=False, lr=0.01))
    found = made(config)
    half = len(found.losses) // 2
    assert sum(found.losses[-5:]) < sum(found.losses[half : half + 5])
    again = made(config)
    assert again.losses == found.losses
    assert all(torch.equal(found.params[n], again.params[n]) for n in found.params)


@pytest.mark.parametrize(("items", "steps"), [(30, 402), (3, 400), (1000, 800), (45, 400)])
def test_few_items_are_passed_over_more_often(items: int, steps: int) -> None:
    assert number_of_steps(items, RetrainConfig()) == steps


@pytest.mark.parametrize(("change", "message"), [
    ({"lr": 1e30, "noise": False}, "the loss is not finite"),
])  # fmt: skip
def test_a_rate_that_is_too_high_is_said(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        made(replace(CONFIG, retrain=replace(CONFIG.retrain, **change)))
