"""The language model: its loss, what it may see, what it costs, and the noise of the AWD-LSTM."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from fewshot_metalstm.config import as_mapping, from_mapping
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.language_model.encoding import Batch, encode
from fewshot_metalstm.kinds.language_model.scoring import cost_of, log_probabilities
from fewshot_metalstm.kinds.language_model.settings import ModelConfig, check_sizes
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.cells import CELLS
from fewshot_metalstm.seeds import torch_generator
from tests.kinds.language_model.builders import SMALL, language_model, text_task


def batch(rows: tuple[tuple[int, int], ...] = ((0, 2), (2, 3)), context: int = 7) -> Batch:
    return encode(text_task(), rows, context)


def test_the_loss_is_the_mean_cost_of_scored_bytes() -> None:
    learner, given = language_model(), batch()
    scores = learner.scores(learner.states(given)).detach()
    nats = [
        -float(torch.log_softmax(scores[i, t], 0)[given.targets[i, t]])
        for i in range(2) for t in range(scores.shape[1]) if given.weight[i, t]
    ]  # fmt: skip
    assert len(nats) == given.bytes
    assert learner(given).item() == pytest.approx(sum(nats) / len(nats))
    cost = learner.cost(dict(learner.named_parameters()), given)
    assert (cost.bytes, cost.characters) == (len(nats), 300)
    assert cost.bits_per_character == pytest.approx(sum(nats) / math.log(2) / 300)
    assert cost.bytes > cost.characters  # some characters have several bytes


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("cell", sorted(CELLS))
def test_no_cell_sees_what_comes_later(cell: str, tied: bool) -> None:
    lstm = MetaLSTMConfig(kind=cell, hidden=4, meta=3, z=3)
    learner = language_model(replace(SMALL, lstm=lstm, layers=2, tied=tied))
    given = batch()
    states = learner.states(given)
    symbols = given.symbols.clone()
    symbols[:, 40] = 33
    moved = (learner.states(replace(given, symbols=symbols)) - states).abs().sum(2)
    assert moved[:, :40].max() == 0
    assert moved[:, 40].min() > 0
    assert moved[:, 41].min() > 0
    gradients = torch.autograd.grad(learner(given), list(learner.parameters()))
    assert all(g.isfinite().all() for g in gradients)
    assert all(gradients[0][byte].abs().sum() > 0 for byte in set(given.symbols[0, :100].tolist()))


def test_padding_changes_nothing() -> None:
    learner = language_model()
    alone = learner.states(batch(((2, 3),)))
    beside = learner.states(batch(((0, 2), (2, 3))))[1, : alone.shape[1]]
    assert torch.allclose(alone[0], beside)


def test_text_costs_the_same_in_one_batch_or_many() -> None:
    learner, task = language_model(replace(SMALL, row=1)), text_task((4_000,))
    params = dict(learner.named_parameters())
    whole = cost_of(learner, params, task, [(0, 40)])
    parts = [cost_of(learner, params, task, [(i, i + 1)]) for i in range(40)]
    assert whole.nats == pytest.approx(sum(part.nats for part in parts))
    assert whole.characters == 4000
    each = log_probabilities(learner, params, task, [(0, 40)])
    assert -each.sum() == pytest.approx(whole.nats)
    assert len(each) == whole.bytes == len(task.documents[0].data)


@pytest.mark.parametrize(
    "noise",
    ["symbol_dropout", "input_dropout", "between_dropout", "output_dropout", "weight_drop",
     "activity", "change"],
)  # fmt: skip
def test_each_kind_of_noise_is_there_in_training_alone(noise: str) -> None:
    plain = language_model(replace(SMALL, layers=2))
    noisy = language_model(
        from_mapping(ModelConfig, {**as_mapping(plain.config), noise: 0.5}, "a test")
    )
    given = batch()
    assert noisy(given).item() == plain(given).item()
    first, again, other = (
        noisy(given, torch_generator(seed, "noise")).item() for seed in (0, 0, 1)
    )
    assert first == again != plain(given).item()
    assert (first == other) == (noise in ("activity", "change"))


def test_activity_and_change_cost_what_they_say() -> None:
    given, none = batch(), torch_generator(0, "none")
    plain = language_model()
    states, here = plain.states(given), given.weight > 0
    moved = (states[:, 1:] - states[:, :-1])[here[:, 1:]]
    wanted = plain(given) + 2 * states[here].square().mean() + 3 * moved.square().mean()
    found = language_model(replace(SMALL, activity=2.0, change=3.0))(given, none)
    assert found.item() == pytest.approx(wanted.item())


def test_sizes_that_cannot_be_are_refused() -> None:
    qrnn = ModelConfig(MetaLSTMConfig(kind="qrnn"), weight_drop=0.5)
    with pytest.raises(UserError, match="says nothing of the cell qrnn"):
        check_sizes(qrnn)
    with pytest.raises(UserError, match=r"model.layers is 0|model.layers"):
        check_sizes(replace(SMALL, layers=0))
    with pytest.raises(UserError, match="GiB"):
        check_sizes(replace(SMALL, embedding=10**9))
