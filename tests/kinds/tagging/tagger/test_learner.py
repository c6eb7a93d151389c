"""The tagger as a learner: heads of any size, and meta-gradients through all of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.training.episodes import encode
from fewshot_metalstm.meta.algorithm import Algorithm, InnerConfig
from fewshot_metalstm.meta.fomaml import FirstOrderMAML, descend
from fewshot_metalstm.meta.learner import Episode
from fewshot_metalstm.meta.maml import MAML
from fewshot_metalstm.meta.outer import OuterConfig, OuterLoop
from fewshot_metalstm.meta.pool import EpisodePool
from fewshot_metalstm.nn.noise import dropout
from tests.kinds.tagging.tagger.builders import TAGGER, double, encoded, model, own, same, sentences

TYPES = ("Drug", "Gene")
QUIET = InnerConfig(steps=2, lr=0.1, clip=0, noise=False)


def tagger(types: int = 1) -> Tagger:
    return model(types).learner.double()


def episode(types: tuple[str, ...] = TYPES, seed: int = 1) -> Episode:
    words = model().table()
    support, query = sentences(4, types, seed), sentences(5, types, seed + 50)
    return Episode(
        double(encoded(words, support, types)), double(encoded(words, query, types)), f"e{seed}"
    )


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("types", [("Drug",), TYPES, ("A", "B", "C", "D")])
def test_a_head_serves_any_number_of_types_and_gets_gradients(types: tuple[str, ...]) -> None:
    learner = tagger()
    batch = episode(types).support
    params = learner.initial(batch)
    assert params["head_type"].shape == (len(types), 4, 16)
    assert params["head_type_bias"].shape == (len(types), 4)
    loss = learner.loss(params, batch)
    gradients = torch.autograd.grad(loss, list(learner.parameters()))
    for (name, _), gradient in zip(learner.named_parameters(), gradients, strict=True):
        assert gradient.any(), name
    assert learner.loss(params, batch) == learner.loss(
        {n: p.contiguous() for n, p in params.items()}, batch
    )


def test_copies_of_the_head_get_the_sum_of_the_types_gradients() -> None:
    learner = tagger()
    batch = episode().support
    expanded = {n: p.detach().clone() for n, p in learner.initial(batch).items()}
    leaf = expanded["head_type"].requires_grad_()
    (each,) = torch.autograd.grad(learner.loss(expanded, batch), leaf)
    shared = learner.loss(learner.initial(batch), batch)
    (total,) = torch.autograd.grad(shared, learner.head_type)
    assert not torch.allclose(each[0], each[1])
    torch.testing.assert_close(total, each.sum(dim=0, keepdim=True))


def test_a_head_for_some_types_serves_no_other_number() -> None:
    with pytest.raises(ValueError, match="a head for 2 types cannot serve 1"):
        tagger(types=2).initial(episode(("Drug",)).support)
    tagger(types=2).initial(episode().support)


def test_groups_of_parameters() -> None:
    learner = tagger()
    names = {name for name, _ in learner.named_parameters()}
    shared = names - set(learner.adapted())
    assert {n.split("_")[0] for n in learner.basic()} == {"lstm.basic"}
    assert all(n.startswith(("lstm.meta_", "characters.")) for n in shared)
    assert set(learner.adapted()) == set(learner.basic()) | set(learner.head())
    assert len(shared) == 8


def test_heads_merge_with_every_type_counting_once() -> None:
    learner = tagger()

    def head(types: int, value: float) -> dict[str, torch.Tensor]:
        start = learner.initial(episode(("A", "B", "C")[:types]).support)
        return {n: torch.full_like(start[n], value) for n in learner.head()}

    merged = learner.merge_heads([head(1, 0.0), head(3, 4.0)])
    named = dict(learner.named_parameters())
    for name, value in merged.items():
        assert value.shape == named[name].shape, name
        assert bool((value == (3.0 if name.startswith("head_type") else 2.0)).all()), name


def test_second_order_gradient_equals_a_finite_difference() -> None:
    learner, given = tagger(), episode()
    outcome = MAML(QUIET).outcome(learner, given, noise())
    before = own(learner)
    generator = noise(9)
    direction = {
        n: torch.randn(p.shape, generator=generator, dtype=p.dtype) for n, p in before.items()
    }

    def loss_at(scale: float) -> float:
        with torch.no_grad():
            for name, value in learner.named_parameters():
                value.copy_(before[name] + scale * direction[name])
        start = learner.initial(given.support)
        fast, _, _ = descend(learner, start, learner.adapted(), given.support, QUIET, None)
        with torch.no_grad():
            return float(learner.loss(fast, given.query))

    step = 3e-5  # of a difference of fourth order
    near, far = (loss_at(k * step) - loss_at(-k * step) for k in (1, 2))
    measured = (8 * near - far) / (12 * step)
    names = list(before)
    slope = sum(
        float((g * direction[n]).sum()) for n, g in zip(names, outcome.gradient, strict=True)
    )
    assert slope == pytest.approx(measured, rel=1e-6)
    loss_at(0.0)
    first = FirstOrderMAML(QUIET).outcome(learner, given, noise())
    flat = sum(float((g * direction[n]).sum()) for n, g in zip(names, first.gradient, strict=True))
    assert flat != pytest.approx(measured, rel=1e-3), "the second order must matter here"


def test_first_order_of_maml_equals_first_order_maml_with_noise_and_clipping() -> None:
    inner = InnerConfig(steps=2, lr=0.1, clip=0.5, noise=True)
    a = MAML(inner, order=1).outcome(tagger(), episode(), noise(3))
    b = FirstOrderMAML(inner).outcome(tagger(), episode(), noise(3))
    for x, y in zip(a.gradient, b.gradient, strict=True):
        torch.testing.assert_close(x, y)
    assert a.inner_norm > 0.5


class Fixed:
    """The same episode always."""

    def episode(self, step: int, index: int) -> Episode:
        return episode(seed=index + 1)


@pytest.mark.parametrize("algorithm", [MAML(InnerConfig(2)), FirstOrderMAML(InnerConfig(2))])
def test_an_outer_step_changes_every_tensor(algorithm: Algorithm) -> None:
    learner = tagger()
    before = own(learner)
    with EpisodePool(
        learner, algorithm, Fixed(), None, meta_batch=2, workers=1, seed=0
    ) as pool:  # fmt: skip
        record = OuterLoop(learner, OuterConfig(lr=0.01)).step(pool)
    assert not record.skipped
    for name, value in learner.named_parameters():
        if name == "characters.embedding":  # whose padding row must not move
            assert not value[0].any()
        assert not torch.equal(value, before[name]), name


def test_support_loss_falls_in_the_inner_loop_and_the_tagger_stays() -> None:
    learner, given = tagger(), episode()
    before = own(learner)
    inner = InnerConfig(steps=25, lr=0.1, noise=False)
    start = learner.initial(given.support)
    fast, losses, _ = descend(learner, start, learner.adapted(), given.support, inner, None)
    assert losses[-1] < 0.5 * losses[0]
    assert same(own(learner), before)
    changed = {n for n in fast if not torch.equal(fast[n], start[n])}
    assert changed == set(learner.adapted())


def test_decode_with_parameters_is_decode_of_a_tagger_that_has_them() -> None:
    learner, given = tagger(), episode()
    params = own(tagger(types=2))
    params["head_type"] *= 5
    other = tagger(types=2)
    other.load_state_dict(params)
    paths = learner.decode_with(params, given.query)
    assert paths == other.decode(given.query)
    assert any(tag for path in paths for tag in path)
    assert [len(path) for path in paths] == given.query.lengths.tolist()


def test_loss_is_exact_without_a_generator_and_noisy_with_one() -> None:
    learner, batch = tagger(types=2), episode().query
    assert learner(batch) == learner(batch)
    assert learner(batch, noise(1)) == learner(batch, noise(1))
    assert learner(batch, noise(1)) != learner(batch, noise(2))
    learner.config = replace(TAGGER, word_dropout=0.0, input_dropout=0.0, output_dropout=0.0)
    assert learner(batch, noise(1)) == learner(batch)


def test_dropout_is_unbiased_and_rows_are_dropped_whole() -> None:
    x = torch.ones(200, 50)
    out = dropout(x, 0.3, noise())
    assert sorted(set(out.flatten().tolist())) == pytest.approx([0, 1 / 0.7])
    assert float(out.mean()) == pytest.approx(1, abs=0.03)
    rows = dropout(x, 0.3, noise(), rows=True)
    assert set(rows.sum(dim=1).tolist()) == {0.0, 50.0}
    assert dropout(x, 0.3, None) is x
    assert dropout(x, 0.0, noise()) is x


def test_encoded_episode_keeps_names_and_types() -> None:
    from fewshot_metalstm.kinds.tagging.episodes.distribution import TaskDistribution
    from tests.kinds.tagging.tagger.builders import TARGET

    drawn = TaskDistribution([TARGET], shots=2, query=5).episode(0, 0)
    made = encode(drawn, model().table())
    assert made.name == drawn.name == "goal/0/0"
    assert len(made.support) == len(drawn.support)
    assert made.query.types == 2
