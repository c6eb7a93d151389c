"""Prototypical networks: a head of class means, and the outer gradient through it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor, nn

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.learner import Episode, Learner, Params
from fewshot_metalstm.meta.outer import OuterConfig, OuterLoop
from fewshot_metalstm.meta.pool import EpisodePool
from fewshot_metalstm.meta.protonet import START_SCALE, ProtoNet, learned_scale, scale_in
from fewshot_metalstm.seeds import torch_generator
from tests.meta.toys import Regressor, Sines, flat_parameters, flatten, loss_after, measured, noise

QUIET = ProtoNet(InnerConfig(steps=0, lr=0.0, noise=False))


@dataclass(frozen=True)
class Items:
    """Points, (N, 2), and their classes, (N,), of which there are two."""

    x: Tensor
    y: Tensor


class Classifier(Learner):
    """``tanh(x W + b)`` and a linear head of two classes."""

    def __init__(self, hidden: int = 3) -> None:
        super().__init__()
        generator = torch_generator(2, "classifier")

        def normal(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator, dtype=torch.float64))

        self.weight, self.bias = normal(2, hidden), normal(hidden)
        self.head_weight, self.head_bias = normal(hidden, 2), normal(2)

    def adapted(self) -> tuple[str, ...]:
        return self.head()

    def head(self) -> tuple[str, ...]:
        return ("head_weight", "head_bias")

    def forward(self, batch: Items, generator: torch.Generator | None = None) -> Tensor:
        read = _read(dict(self.named_parameters()), batch, generator)
        return nn.functional.cross_entropy(read @ self.head_weight + self.head_bias, batch.y)

    def from_support(
        self, params: Params, batches: Iterable[Items], scale: Tensor,
        generator: torch.Generator | None = None,
    ) -> Params:  # fmt: skip
        pieces = [(_read(params, batch, generator), batch.y) for batch in batches]
        read, y = (torch.cat(parts) for parts in zip(*pieces, strict=True))
        means = torch.stack([read[y == k].mean(0) for k in (0, 1)])
        return {
            **params,
            "head_weight": 2 * scale * means.T / means.shape[1],
            "head_bias": params["head_bias"] - scale * means.square().mean(1),
        }


def _read(params: Params, batch: Items, generator: torch.Generator | None) -> Tensor:
    read = torch.tanh(batch.x @ params["weight"] + params["bias"])
    if generator is None:
        return read
    return read * (torch.rand(read.shape, generator=generator, dtype=read.dtype) >= 0.3)


@dataclass(frozen=True)
class Clusters:
    """Two clusters a task, in places of its own along the second coordinate.

    The first coordinate is loud and says nothing of the class.
    """

    def episode(self, step: int, index: int) -> Episode:
        generator = torch_generator(3, "clusters", step, index)

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        places = 0.6 * normal(1) + torch.tensor([-0.5, 0.5], dtype=torch.float64)

        def items(each: int) -> Items:
            y = torch.arange(2).repeat(each)
            second = places[y] + 0.1 * normal(len(y))
            return Items(torch.stack([2 * normal(len(y)), second], 1), y)

        return Episode(items(3), items(8), f"clusters/{step}/{index}")


EPISODE = Clusters().episode(0, 0)


def prepared(algorithm: ProtoNet = QUIET) -> Classifier:
    learner = Classifier()
    algorithm.prepare(learner)
    return learner


def test_what_two_clusters_give_by_hand() -> None:
    """One coordinate, clusters at 0 and 1: the odds of h are those of its distances."""

    class Plain(Classifier):
        def __init__(self) -> None:
            super().__init__(hidden=1)
            with torch.no_grad():
                self.weight.copy_(torch.tensor([[1.0], [0.0]]))
                self.bias.zero_()
                self.head_bias.zero_()

    def at(*values: float) -> Tensor:
        first = torch.tensor(values, dtype=torch.float64).atanh()
        return torch.stack([first, torch.zeros_like(first)], 1)

    learner = Plain()
    QUIET.prepare(learner)
    support = Items(at(-0.1, 0.1, 0.5, 0.7), torch.tensor([0, 0, 1, 1]))
    query = Items(at(0.2), torch.tensor([0]))
    outcome = QUIET.outcome(learner, Episode(support, query, "two"), noise())
    odds = START_SCALE * ((0.6 - 0.2) ** 2 - 0.2**2)
    assert outcome.query_loss == pytest.approx(math.log1p(math.exp(-odds)))
    assert outcome.adapted["head_weight"].tolist() == [[0.0, pytest.approx(1.2 * START_SCALE)]]
    assert (outcome.inner_norm, QUIET.inner.steps, QUIET.inner.lr) == (0.0, 0, 0.0)


@pytest.mark.parametrize("noisy", [False, True])
def test_the_outer_gradient_equals_finite_differences(noisy: bool) -> None:
    algorithm = replace(QUIET, inner=replace(QUIET.inner, noise=noisy))
    learner = prepared()
    outcome = algorithm.outcome(learner, EPISODE, noise(4))

    def figure() -> float:
        start = learner.initial(EPISODE.support)
        given = noise(4) if noisy else None
        params = algorithm.adapt(learner, start, EPISODE.support, given).params
        with torch.no_grad():
            return float(learner.loss(params, EPISODE.query))

    assert outcome.query_loss == pytest.approx(figure())
    wanted = measured(learner, figure)
    torch.testing.assert_close(flatten(outcome.gradient), wanted, rtol=1e-6, atol=1e-8)
    of = dict(zip(dict(learner.named_parameters()), outcome.gradient, strict=True))
    assert bool(of["inner.log_scale"].any()), "the scale is learned"
    assert not bool(of["head_weight"].any()), "what prototypes replace has no part"


def test_the_representation_and_the_scale_are_learned() -> None:
    learner = prepared(ProtoNet())
    new = [Clusters().episode(10**6, i) for i in range(20)]

    def figure() -> float:
        return sum(loss_after(learner, QUIET, episode) for episode in new) / len(new)

    before, start = figure(), {n: p.detach().clone() for n, p in learner.named_parameters()}
    with EpisodePool(
        learner, ProtoNet(), Clusters(), None, meta_batch=2, workers=1, seed=0
    ) as pool:  # fmt: skip
        records = list(OuterLoop(learner, OuterConfig(steps=100, meta_batch=2, lr=0.03)).run(pool))
    assert figure() < 0.5 * before
    changed = {n for n, p in learner.named_parameters() if not torch.equal(p, start[n])}
    assert changed == set(start) - {"head_weight"}
    assert ProtoNet().metrics(learner) == {"scale": learned_scale(learner)}
    assert learned_scale(learner) != pytest.approx(START_SCALE)
    assert {record.inner_lr for record in records} == {0.0}
    assert all(record.query_loss > 0 and record.support_loss > 0 for record in records)


def test_two_workers_equal_one() -> None:
    ends = []
    for workers in (1, 2):
        learner = prepared(ProtoNet())
        with EpisodePool(
            learner, ProtoNet(), Clusters(), None, meta_batch=3, workers=workers, seed=1
        ) as pool:  # fmt: skip
            for _ in OuterLoop(learner, OuterConfig(steps=3, meta_batch=3, lr=0.03)).run(pool):
                pass
        ends.append(flat_parameters(learner))
    assert torch.equal(*ends)


def test_pieces_of_a_support_are_one_support() -> None:
    learner, support = prepared(), EPISODE.support
    parts = [Items(support.x[a:b], support.y[a:b]) for a, b in ((0, 1), (1, 4), (4, 6))]
    start = learner.initial(support)
    whole = learner.from_support(start, [support], scale_in(start))
    pieces = learner.from_support(start, parts, scale_in(start))
    for name in learner.head():
        torch.testing.assert_close(whole[name], pieces[name])


def test_what_cannot_be() -> None:
    learner = Regressor()
    episode = Sines().episode(0, 0)
    with pytest.raises(ValueError, match="call prepare first"):
        QUIET.outcome(learner, episode, noise())
    QUIET.prepare(learner)
    with pytest.raises(UserError, match="Regressor makes no head of prototypes"):
        QUIET.outcome(learner, episode, noise())
    assert learned_scale(Classifier()) is None
    assert QUIET.metrics(Classifier()) == {}
