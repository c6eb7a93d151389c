"""The reader as a learner: gradients, heads of any number of classes, prototypes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.encoding import Batch
from fewshot_metalstm.kinds.digits.learner import DigitReader
from fewshot_metalstm.kinds.digits.settings import ReaderConfig
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from tests.kinds.digits.builders import SMALL, reader

FORMS = [SMALL, replace(SMALL, pool="last"), ReaderConfig(MetaLSTMConfig("lstm", False, 4))]


def batch(images: int = 6, classes: int = 3, seed: int = 0) -> Batch:
    """Random images with every class, in double precision."""
    rows = torch.randn(images, 28, 28, generator=torch.Generator().manual_seed(seed)).double()
    return Batch(rows, torch.arange(images) % classes, classes)


def start(learner: DigitReader, given: Batch) -> dict[str, torch.Tensor]:
    """What a task starts from, with a gradient."""
    return {n: p.detach().clone().requires_grad_() for n, p in learner.initial(given).items()}


@pytest.mark.parametrize("config", FORMS)
def test_the_gradient_is_that_of_finite_differences(config: ReaderConfig) -> None:
    learner, whole = reader(config), batch(images=3)
    given = Batch(
        whole.rows[:, :5], whole.labels, whole.classes
    )  # what is right in 5 rows is in 28
    params = start(learner, given)
    loss = learner.loss(params, given)
    gradients = torch.autograd.grad(loss, list(params.values()))
    for (name, value), gradient in zip(params.items(), gradients, strict=True):
        direction = torch.randn(value.shape, generator=torch.Generator().manual_seed(1)).double()
        with torch.no_grad():
            ahead, back = (
                learner.loss({**params, name: value + sign * 1e-5 * direction}, given)
                for sign in (1, -1)
            )
        expected = (ahead - back) / 2e-5
        torch.testing.assert_close((gradient * direction).sum(), expected, rtol=1e-4, atol=1e-7)


def test_every_image_is_read_by_itself() -> None:
    learner, given = reader(), batch()
    params = start(learner, given)
    whole = learner.scores_with(params, given)
    for image in range(len(given)):
        alone = Batch(given.rows[[image]], given.labels[[image]], given.classes)
        torch.testing.assert_close(learner.scores_with(params, alone)[0], whole[image])


def test_a_task_starts_from_one_row_for_each_class() -> None:
    learner = reader()
    params = learner.initial(batch(classes=4, images=8))
    assert params["head_weight"].shape == (4, 10)
    assert bool((params["head_weight"] == learner.head_weight).all())
    losses = learner.loss(params, batch(classes=4, images=8))
    torch.testing.assert_close(losses, torch.tensor(4.0).double().log())
    with pytest.raises(ValueError, match="a head for 3 classes cannot serve 4"):
        reader(classes=3).initial(batch(classes=4, images=8))


def test_what_is_adapted_is_the_tasks_own() -> None:
    adapted = reader().adapted()
    assert {"head_weight", "head_bias", "lstm.basic_p"} <= set(adapted)
    assert not any(name.startswith("lstm.meta") for name in adapted)


def test_heads_are_merged_row_by_row() -> None:
    learner = reader()
    heads = [
        {"head_weight": torch.full((2, 10), 1.0), "head_bias": torch.tensor([0.0, 2.0])},
        {"head_weight": torch.full((1, 10), 4.0), "head_bias": torch.tensor([7.0])},
    ]
    merged = learner.merge_heads(heads)
    assert merged["head_weight"].tolist() == [[2.0] * 10]
    assert merged["head_bias"].tolist() == [3.0]


def test_noise_is_drawn_from_the_generator_alone() -> None:
    learner, given = reader(), batch()
    params = start(learner, given)
    params["head_weight"] = torch.randn(3, 10, generator=torch.Generator().manual_seed(2)).double()
    one, two, other = (
        float(learner.loss(params, given, torch.Generator().manual_seed(seed)).detach())
        for seed in (0, 0, 1)
    )
    assert one == two != other


def test_prototypes_score_by_distance() -> None:
    """The head that is made of the support is the softmax over scaled squared distances."""
    learner, support, query = reader(), batch(9), batch(6, seed=5)
    params, scale = dict(learner.initial(support)), torch.tensor(3.0).double()
    made = learner.from_support(params, [support], scale)
    with torch.no_grad():
        known = learner.hidden_with(params, support)
        means = torch.stack([known[support.labels == c].mean(0) for c in range(3)])
        new = learner.hidden_with(params, query)
        scores = -scale * (new[:, None] - means).square().mean(2)
        torch.testing.assert_close(learner.scores_with(made, query).softmax(1), scores.softmax(1))
    halves = [Batch(support.rows[p], support.labels[p], 3) for p in (slice(0, 4), slice(4, 9))]
    pieces = learner.from_support(params, halves, scale)
    torch.testing.assert_close(pieces["head_weight"], made["head_weight"])


def test_a_class_without_an_image_has_no_prototype() -> None:
    learner = reader()
    lacking = Batch(batch().rows, torch.zeros(6, dtype=torch.int64), 3)
    with pytest.raises(UserError, match="class 2 of 3 has no image"):
        learner.from_support(dict(learner.initial(lacking)), [lacking], torch.tensor(1.0))


def test_figure_is_the_accuracy() -> None:
    learner, given = reader(), batch()
    params = start(learner, given)
    params["head_bias"] = torch.tensor([0.0, 50.0, 0.0]).double()
    assert learner.counts(params, given) == (2, 6)
    assert learner.figure(params, given) == pytest.approx(100 / 3)
