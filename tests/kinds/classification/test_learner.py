"""The classifier as a learner: padding, pooling, heads, recall."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.classification.encoding import Batch, by_length
from fewshot_metalstm.kinds.classification.learner import Classifier
from fewshot_metalstm.kinds.classification.model import ClassifierModel
from fewshot_metalstm.kinds.classification.pooling import Pooling
from fewshot_metalstm.kinds.classification.settings import MAX
from tests.kinds.classification.builders import SMALL, checkpoint, texts


def batch_of(model: ClassifierModel, number: int = 6, classes: int = 2) -> Batch:
    found, labels = texts(number, 0)
    table = model.table()
    longer = [f"{text} and more of it" if i % 3 else text for i, text in enumerate(found)]
    return table.batch(table.encode(longer, [y % classes for y in labels], classes))


@pytest.mark.parametrize("kind", ["attention", "max"])
def test_padding_changes_nothing(kind: str) -> None:
    generator = torch.Generator().manual_seed(0)
    pooling = Pooling(kind, 6, 4, generator).double()
    states = torch.randn(3, 5, 6, generator=generator, dtype=torch.float64)
    lengths = torch.tensor([5, 2, 3])
    for row, length in enumerate(lengths.tolist()):
        states[row, length:] = torch.nan
    states.requires_grad_()
    pooled, weights = pooling(states, lengths), pooling.weights(states, lengths)
    alone = pooling(states[1:2, :2], lengths[1:2])
    torch.testing.assert_close(pooled[1:2], alone)
    torch.testing.assert_close(weights.sum(1), torch.ones(3, dtype=torch.float64))
    assert bool((weights[1, 2:] == 0).all())
    (gradient,) = torch.autograd.grad(pooled.sum(), states)
    assert bool(gradient.isfinite().all())
    assert bool((gradient[1, 2:] == 0).all())


def test_attention_is_the_papers() -> None:
    pooling = Pooling("attention", 3, 2, torch.Generator().manual_seed(0))
    states = torch.randn(1, 4, 3)
    scores = [pooling.context @ torch.tanh(h @ pooling.weight + pooling.bias) for h in states[0]]
    shares = torch.stack(scores).softmax(0)
    wanted = sum(share * h for share, h in zip(shares, states[0], strict=True))
    torch.testing.assert_close(pooling(states, torch.tensor([4]))[0], wanted)


def test_texts_do_not_depend_on_their_company() -> None:
    model = checkpoint()
    batch = batch_of(model)
    together = model.learner.scores(batch)
    apart = torch.cat([model.learner.scores(piece) for piece in batch.pieces(1)])
    torch.testing.assert_close(together, apart)


def test_states_may_attend_to_each_other() -> None:
    config = replace(SMALL, heads=2)
    made = Classifier(4, 20, config, torch.Generator().manual_seed(0)).double()
    plain = Classifier(4, 20, SMALL, torch.Generator().manual_seed(0))
    assert not any(name.startswith("self_attention") for name, _ in plain.named_parameters())
    model = checkpoint()
    learner = Classifier(
        model.vectors.size, len(model.alphabet) + 2, config, torch.Generator().manual_seed(0)
    )
    batch = batch_of(model)
    states = learner.states(batch)
    loss = learner.hidden(batch).square().sum()
    (gradient,) = torch.autograd.grad(loss, [learner.self_attention.read_weight])
    assert bool(gradient.abs().sum() > 0)
    with torch.no_grad():  # what is gathered is added to the states
        learner.self_attention.back_weight.zero_()
    before = learner.states(batch)
    assert not torch.equal(states, before)
    for row, length in enumerate(batch.lengths.tolist()):
        assert bool((states[row, length:] == 0).all())
    with pytest.raises(UserError, match="3 heads of attention cannot divide 10"):
        Classifier(4, 20, replace(SMALL, heads=3), torch.Generator())
    assert {n for n, _ in made.named_parameters()} == {n for n, _ in learner.named_parameters()}


def test_one_row_serves_any_number_of_classes() -> None:
    model = checkpoint(classes=())
    assert len(model.learner.head_weight) == 1
    for classes in (2, 3):
        start = model.learner.initial(batch_of(model, 6, classes=classes))
        assert start["head_weight"].shape == (classes, 10)
    assert model.learner.adapted()[-2:] == model.learner.head()
    assert not any(n.startswith("lstm.meta_") for n in model.learner.adapted())


def test_classes_recall_the_row_that_fits() -> None:
    model = checkpoint(("negative", "positive", "so-so"))
    learner, batch = model.learner, batch_of(model, 12)
    with torch.no_grad():  # rows that tell the classes apart, the second and the third
        hidden = learner.hidden(batch)
        means = torch.stack([hidden[batch.labels == c].mean(0) for c in (0, 1)])
        apart = 2 * (means[1] - means[0]) / (means[1] - means[0]).norm() ** 2
        learner.head_weight.copy_(torch.stack([0 * apart, apart, -apart]))
        middle = float(apart @ means.mean(0))
        learner.head_bias.copy_(torch.tensor([-9.0, -middle, middle]))
    start = learner.initial(batch)
    torch.testing.assert_close(start["head_weight"], learner.head_weight[[2, 1]])
    swapped = replace(batch, labels=1 - batch.labels)
    torch.testing.assert_close(learner.initial(swapped)["head_weight"], learner.head_weight[[1, 2]])
    assert start["head_weight"].requires_grad


def test_where_nothing_fits_classes_start_from_the_mean_row() -> None:
    model = checkpoint()
    batch = batch_of(model, 6, classes=3)  # more classes than rows
    start = model.learner.initial(batch)
    torch.testing.assert_close(start["head_weight"][0], model.learner.head_weight.mean(0))
    assert start["head_bias"].shape == (3,)
    one = next(iter(batch_of(model).pieces(1)))  # lacks a class: tells nothing
    torch.testing.assert_close(model.learner.initial(one)["head_weight"], model.learner.head_weight)


def test_heads_merge_row_by_row_where_classes_are_shared() -> None:
    heads = [{"head_weight": torch.full((2, 10), i), "head_bias": torch.tensor([i, 2 * i])}
             for i in (1.0, 3.0)]  # fmt: skip
    merged = checkpoint().learner.merge_heads(heads)
    assert merged["head_bias"].tolist() == [2.0, 4.0]
    assert checkpoint(classes=()).learner.merge_heads(heads)["head_bias"].tolist() == [3.0]


def test_prototypes_are_a_linear_head_of_distances() -> None:
    model = checkpoint(classes=())
    batch = batch_of(model)
    learner: Classifier = model.learner
    start = learner.initial(batch)
    made = learner.from_support(start, batch.pieces(2), torch.tensor(3.0))
    hidden = learner.hidden(batch)
    means = torch.stack([hidden[batch.labels == c].mean(0) for c in (0, 1)])
    distances = -3.0 * (hidden.unsqueeze(1) - means).square().mean(2)
    found = learner.scores_with(made, batch)
    torch.testing.assert_close(found.log_softmax(1), distances.log_softmax(1), atol=1e-5, rtol=0)
    with pytest.raises(UserError, match="class 1 of 2 has no text"):
        learner.from_support(
            start, [replace(batch, labels=batch.labels * 0 + 1)], torch.tensor(1.0)
        )


@pytest.mark.parametrize("cell", ["lstm", "meta-lstm"])
def test_cells_and_the_maximum_train(cell: str) -> None:
    config = replace(SMALL, lstm=replace(SMALL.lstm, kind=cell), pool=MAX)
    model = checkpoint(config=config)
    batch = batch_of(model)
    loss = model.learner.loss(dict(model.learner.named_parameters()), batch, torch.Generator())
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None for p in model.learner.parameters())


def test_long_texts_are_cut_and_counted_and_batches_hold_all() -> None:
    table = checkpoint().table()
    encoded = table.encode(["a b", "a " * 30, "c"], [0, 1, 0], 2)
    assert ([len(w) for w in encoded.words], encoded.cut) == ([2, 12, 1], 1)
    assert sorted(i for each in by_length(encoded, 4) for i in each) == [0, 1, 2]
    with pytest.raises(ValueError, match="without a word"):
        table.encode([" "], [0], 2)
