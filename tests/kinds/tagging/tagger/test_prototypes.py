"""A head of prototypes: the same as distances, whatever of a tag the support holds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.prototypes import prototypes, tokens_of
from fewshot_metalstm.meta.learner import Episode, Params
from fewshot_metalstm.meta.protonet import ProtoNet
from tests.kinds.tagging.tagger.builders import TARGET, double, encoded, model, same
from tests.kinds.tagging.tagger.test_stacked import episodes, tagger
from tests.meta.toys import flat_parameters, flatten, noise

SUPPORT = list(TARGET.split("train")[:14])
SCALE = torch.tensor(3.0)


def made(support: list[Sentence], *, pieces: int = 1) -> tuple[Tagger, Params, Params]:
    """A tagger with biases that are not zero, its start, and what prototypes make of that."""
    learner, table = model().learner, model().table()
    with torch.no_grad():
        learner.head_outside_bias.fill_(0.3)
        learner.head_type_bias.copy_(torch.tensor([[0.1, -0.2, 0.5, 0.0]]))
    batches = [encoded(table, support[i::pieces], TARGET.types) for i in range(pieces)]
    start = learner.initial(batches[0])
    with torch.no_grad():
        return learner, start, learner.from_support(start, batches, SCALE)


def by_hand(learner: Tagger, support: list[Sentence]) -> dict[int, np.ndarray]:
    """The hidden states of the support's tokens, by tag."""
    batch = encoded(model().table(), support, TARGET.types)
    with torch.no_grad():
        hidden = learner.hidden(batch).numpy()
    found: dict[int, list[np.ndarray]] = {}
    for row, length in enumerate(batch.lengths.tolist()):
        for place in range(length):
            found.setdefault(int(batch.tags[row, place]), []).append(hidden[row, place])
    return {tag: np.stack(rows) for tag, rows in found.items()}


def scores(params: Params, text: list[Sentence]) -> tuple[Tensor, Tensor]:
    """Emissions of the tokens of a text under a head, and their hidden states."""
    learner = model(types=2).learner
    learner.load_state_dict(params)
    batch = encoded(model().table(), text, TARGET.types)
    with torch.no_grad():
        return (tokens_of(learner.emissions(batch), batch)[0],
                tokens_of(learner.hidden(batch), batch)[0])  # fmt: skip


def test_linear_scores_are_distances() -> None:
    learner, start, params = made(SUPPORT)
    found, hidden = scores(params, list(TARGET.split("test")[:5]))
    states = by_hand(learner, SUPPORT)
    assert set(states) == set(range(9)), "the support must hold every tag"
    bias = torch.cat([start["head_outside_bias"], start["head_type_bias"].flatten()]).detach()
    means = torch.tensor(np.stack([states[k].mean(0) for k in range(9)]))
    distance = (hidden[:, None] - means).square().mean(2)
    wanted = bias - float(SCALE) * distance
    # All tags of a token share one term, which is not in the head.
    torch.testing.assert_close(found - found[:, :1], wanted - wanted[:, :1], rtol=1e-4, atol=1e-4)
    kept = set(params) - {"head_outside", "head_outside_bias", "head_type", "head_type_bias"}
    assert same({n: params[n] for n in kept}, {n: start[n] for n in kept})
    assert "head_transitions" in kept


def test_pieces_of_a_support_are_one_support() -> None:
    whole, pieces = made(SUPPORT)[2], made(SUPPORT, pieces=4)[2]
    for name, value in whole.items():
        torch.testing.assert_close(pieces[name], value, rtol=1e-5, atol=1e-5)


def only(*tags: str) -> Sentence:
    return Sentence(tuple(f"w{i}" for i in range(len(tags))), tags)


def test_tags_without_tokens_take_the_mean_of_their_type() -> None:
    support = [only("O", "S-Gene", "O", "S-Gene"), only("B-Drug", "E-Drug")]
    learner, _, params = made(support)
    states = by_hand(learner, support)
    drug, gene = (params["head_type"][k] for k in range(2))
    unit = 2 * float(SCALE) / drug.shape[1]
    torch.testing.assert_close(drug[0], torch.tensor(unit * states[1].mean(0)))
    both = np.concatenate([states[1], states[3]]).mean(0)
    for row in (1, 3):  # I and S
        torch.testing.assert_close(drug[row], torch.tensor(unit * both))
    assert all(torch.equal(gene[row], gene[3]) for row in range(4))
    torch.testing.assert_close(gene[3], torch.tensor(unit * states[8].mean(0)))


def test_a_type_without_tokens_keeps_its_odds_against_o() -> None:
    support = [only("O", "S-Gene", "O"), only("O", "O")]
    _, start, params = made(support)
    found, hidden = scores(params, list(TARGET.split("test")[:5]))
    plain = {name: value.detach() for name, value in start.items()}
    before, _ = scores(plain, list(TARGET.split("test")[:5]))
    drug = slice(1, 5)
    torch.testing.assert_close(
        found[:, drug] - found[:, :1], before[:, drug] - before[:, :1], rtol=1e-4, atol=1e-4
    )
    assert hidden.isfinite().all()


def test_a_support_without_o_has_a_prototype_of_it_all_the_same() -> None:
    sums = torch.tensor([[0.0], [2.0], [0.0], [0.0], [6.0]])
    means, known = prototypes(sums, torch.tensor([0.0, 1.0, 0.0, 0.0, 3.0]))
    assert means.flatten().tolist() == [2.0, 2.0, 2.0, 2.0, 2.0]
    means, known = prototypes(sums, torch.tensor([0.0, 2.0, 0.0, 0.0, 2.0]))
    assert means.flatten().tolist() == [2.0, 1.0, 2.0, 2.0, 3.0]
    assert known.tolist() == [True]
    params = made([only("S-Gene"), only("B-Drug", "E-Drug")])[2]
    assert all(value.isfinite().all() for value in params.values())


def test_what_cannot_be() -> None:
    learner, table = model(types=2).learner, model().table()
    batch = encoded(table, SUPPORT, TARGET.types)
    start = learner.initial(batch)
    with pytest.raises(ValueError, match="support without tokens"):
        learner.from_support(start, [], SCALE)
    one = encoded(table, [only("O", "S-Gene")], ("Gene",))
    with pytest.raises(ValueError, match="a head for 2 types cannot be made of 1"):
        learner.from_support(start, [one], SCALE)


def test_the_outer_gradient_of_a_tagger_equals_finite_differences_along_a_direction() -> None:
    learner, algorithm = tagger(), ProtoNet()
    algorithm.prepare(learner)
    for episode in episodes():
        outcome = algorithm.outcome(learner, episode, noise(3))
        at, step = flat_parameters(learner), 1e-5
        direction = torch.randn(len(at), generator=noise(5), dtype=torch.float64)

        def figure(flat: Tensor, episode: Episode = episode) -> float:
            with torch.no_grad():
                nn.utils.vector_to_parameters(flat, learner.parameters())
                start = learner.initial(episode.support)
                end = algorithm.adapt(learner, start, episode.support, noise(3)).params
                return float(learner.loss(end, episode.query))

        assert outcome.query_loss == pytest.approx(figure(at))
        slope = (figure(at + step * direction) - figure(at - step * direction)) / (2 * step)
        figure(at)
        assert float(flatten(outcome.gradient) @ direction) == pytest.approx(slope, rel=1e-6)
        names = dict(learner.named_parameters())
        still = {n for n, g in zip(names, outcome.gradient, strict=True) if not bool(g.any())}
        assert still == {"head_outside", "head_type"}, "what prototypes replace has no part"


def test_double_precision_stays() -> None:
    learner = model().learner.double()
    batch = double(encoded(model().table(), SUPPORT, TARGET.types))
    made_of = learner.from_support(learner.initial(batch), [batch], SCALE.double())
    assert {value.dtype for value in made_of.values()} == {torch.float64}
