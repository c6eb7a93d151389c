"""What the Meta-LSTM does: its z against the equations, its weights against their product."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from fewshot_metalstm.kinds.tagging.tagger.confidence import read
from fewshot_metalstm.kinds.tagging.tagger.generated import (
    by_name,
    generated,
    generates,
    held_at_mean,
    states,
)
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, TaggerModel
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.metalstm import MetaLSTM
from tests.kinds.tagging.tagger.builders import model as fresh

TEXT = (
    ("we", "saw", "a", "cell", "."),
    (),
    ("the", "gene7-0", "of", "w12", "was", "in", "the", "cell"),
    ("a",),
)


def tagger(scale: float = 1.0) -> TaggerModel:
    """A tagger whose Meta-LSTM has much to say."""
    made = fresh(2, TAGGER)
    with torch.no_grad():
        for name, value in made.learner.named_parameters():
            if name.startswith("lstm."):
                value.mul_(2.0)
        made.learner.lstm.get_parameter("meta_z").mul_(scale)
    return made


@torch.no_grad()
def weights_at(lstm: MetaLSTM, direction: int, z: Tensor) -> Tensor:
    """W(z), formed as it is written: (gates, inputs + h, h)."""
    w = lstm.weights()
    q = torch.cat([w.qx[direction], w.qh[direction]]).chunk(4, dim=-1)
    plain = torch.cat([w.wx[direction], w.wh[direction]]).chunk(4, dim=-1)
    return torch.stack([
        s + a @ torch.diag(z) @ b for s, a, b in zip(plain, q, w.p[direction], strict=True)
    ])  # fmt: skip


@pytest.mark.parametrize("static", [True, False])
@torch.no_grad()
def test_the_z_of_every_token_gives_the_outputs_that_the_layer_gave(static: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    config = MetaLSTMConfig(hidden=4, meta=3, z=2, static=static)
    lstm = MetaLSTM(5, config, generator).double()
    for value in lstm.parameters():
        value.add_(torch.randn(value.shape, generator=generator), alpha=0.3)
    words = torch.randn(6, 5, generator=generator, dtype=torch.float64)
    index = torch.randint(0, 6, (3, 7), generator=generator)
    lengths = torch.tensor([7, 3, 1])
    outputs = lstm(words, index, lengths)
    z = states(lstm, words, index, lengths, outputs)
    assert z.shape == (3, 7, 2, 2)
    w = lstm.weights()
    for row, length in enumerate(lengths.tolist()):
        assert not z[row, length:].any()
        for d in (0, 1):
            h = c = torch.zeros(4, dtype=torch.float64)
            places = range(length) if d == 0 else range(length - 1, -1, -1)
            for t in places:
                here = z[row, t, d]
                q = torch.cat([w.qx[d], w.qh[d]]).chunk(4, dim=-1)
                x = torch.cat([words[index[row, t]], h])
                v = [(x @ q[k] * here) @ w.p[d, k] + here @ w.bz[d].chunk(4, -1)[k]
                     for k in range(4)]  # fmt: skip
                if static:
                    own = words[index[row, t]] @ w.wx[d] + h @ w.wh[d] + w.b[d, 0]
                    v = [a + b for a, b in zip(v, own.chunk(4), strict=True)]
                n, o, i, f = v
                c = torch.tanh(n) * torch.sigmoid(i) + c * torch.sigmoid(f)
                h = torch.sigmoid(o) * torch.tanh(c)
                assert torch.allclose(h, outputs[row, t, 4 * d : 4 * d + 4], atol=1e-10)


def test_moved_is_the_norm_of_the_change_of_the_weights() -> None:
    made = tagger()
    lstm = made.learner.lstm
    assert isinstance(lstm, MetaLSTM)
    found = generated(made, TEXT)
    assert found.z.shape == (14, 2, 5)
    assert torch.allclose(found.mean, found.z.mean(0), atol=1e-6)
    for token in (0, 5, 13):
        shares = []
        for d in (0, 1):
            middle = weights_at(lstm, d, found.mean[d])
            change = weights_at(lstm, d, found.z[token, d]) - middle
            shares.append(float(change.square().sum() / middle.square().sum()))
        assert float(found.moved[token]) == pytest.approx((sum(shares) / 2) ** 0.5, rel=1e-4)
    assert float(found.moved.min()) > 0


def test_without_a_say_of_the_meta_lstm_nothing_moves() -> None:
    found = generated(tagger(scale=0.0), TEXT)
    assert torch.equal(found.z, torch.ones_like(found.z))
    assert float(found.moved.max()) == 0


def test_order_and_company_change_nothing() -> None:
    made = tagger()
    together, alone = generated(made, TEXT), generated(made, TEXT[2:3])
    assert torch.allclose(together.z[5:13], alone.z, atol=1e-6)


def test_held_at_its_mean_it_is_one_lstm_for_all_words() -> None:
    made = tagger()
    mean = generated(made, TEXT).mean
    held = held_at_mean(made, mean)
    again = generated(held, TEXT)
    assert float(again.moved.max()) == 0
    lstm, plain = made.learner.lstm, held.learner.lstm
    assert isinstance(lstm, MetaLSTM)
    assert isinstance(plain, MetaLSTM)
    for d in (0, 1):
        here = weights_at(plain, d, again.z[0, d])
        assert torch.allclose(here, weights_at(lstm, d, mean[d]), atol=1e-5)
    assert torch.equal(generated(made, TEXT).mean, mean)  # the tagger itself is as it was
    still = tagger(scale=0.0)
    held = held_at_mean(still, generated(still, TEXT).mean)
    assert [r.tags for r in read(held, TEXT)] == [r.tags for r in read(still, TEXT)]


def test_no_token_and_no_meta_lstm_are_refused() -> None:
    with pytest.raises(ValueError, match="no token"):
        generated(tagger(), [(), ()])
    made = tagger()
    assert generates(made)
    made.learner.lstm = torch.nn.Identity()  # type: ignore[assignment]
    assert not generates(made)
    with pytest.raises(ValueError, match="no Meta-LSTM"):
        generated(made, TEXT)


def test_means_by_name() -> None:
    shares = torch.tensor([0.1, 0.5, 0.3, 0.2, 0.9])
    found = by_name(["a", "b", "a", "b", "c"], shares)
    assert [each.name for each in found] == ["c", "b", "a"]
    assert [each.number for each in found] == [1, 2, 2]
    assert found[1].mean == pytest.approx(0.35)
    assert [each.name for each in by_name(["a", "b", "a", "b", "c"], shares, least=2)] == ["b", "a"]
