"""Every cell: its equations written out, derivatives, lengths and padding, both directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from fewshot_metalstm.nn import steps
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.hyper import HyperLSTM, MetaRNN, orthogonal
from fewshot_metalstm.nn.norm_lstm import NormLSTM
from fewshot_metalstm.nn.plain_lstm import PlainLSTM
from fewshot_metalstm.nn.qrnn import QRNN
from fewshot_metalstm.nn.recurrent import Recurrent, make_lstm
from fewshot_metalstm.nn.rnn import RNN

INPUTS, HIDDEN = 3, 2
LENGTHS = (2, 4, 1, 4)
FORMS: dict[str, dict[str, Any]] = {
    "meta-lstm": {"kind": "meta-lstm"},
    "lstm": {"kind": "lstm"},
    "rnn": {"kind": "rnn"},
    "rnn-relu": {"kind": "rnn", "activation": "relu"},
    "hyper-lstm": {"kind": "hyper-lstm"},
    "hyper-lstm-layer": {"kind": "hyper-lstm", "norm": "layer"},
    # So few numbers that compiled steps make scales of them, and not in one product.
    "hyper-lstm-few": {"kind": "hyper-lstm", "norm": "layer", "meta": 3, "z": 1},
    "meta-rnn": {"kind": "meta-rnn"},
    "meta-rnn-layer": {"kind": "meta-rnn", "norm": "layer"},
    "norm-lstm": {"kind": "norm-lstm"},
    "norm-lstm-layer": {"kind": "norm-lstm", "norm": "layer"},
    "norm-lstm-batch": {"kind": "norm-lstm", "norm": "batch"},
    "qrnn": {"kind": "qrnn"},
    "qrnn-2": {"kind": "qrnn", "window": 2},
    "torch-lstm": {"kind": "torch-lstm"},
    "torch-rnn": {"kind": "torch-rnn"},
}
OWN = [name for name in FORMS if not name.startswith("torch")]


def make(name: str, hidden: int = HIDDEN, **changes: Any) -> Recurrent:
    """A small one of double precision with no weight at zero."""
    settings = {"meta": 2, "z": 2} | FORMS[name] | changes
    config = MetaLSTMConfig(match=False, hidden=hidden, **settings)
    generator = torch.Generator().manual_seed(0)
    model = make_lstm(INPUTS, config, generator).double()
    with torch.no_grad():
        for part, value in model.named_parameters():
            moved = torch.randn(value.shape, generator=generator).to(value)
            value.add_(moved.abs() if part == "stats_variance" else moved, alpha=0.3)
    return model


def make_batch(padding: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Features of 6 words, which word stands where, and lengths."""
    generator = torch.Generator().manual_seed(7)
    words = torch.randn(6, INPUTS, generator=generator, dtype=torch.float64)
    index = torch.randint(0, 6, (len(LENGTHS), max(LENGTHS) + padding), generator=generator)
    return words.requires_grad_(), index, torch.tensor(LENGTHS)


def weights(model: Recurrent) -> list[Tensor]:
    """The parameters that have gradients: averages have none."""
    return [p for name, p in model.named_parameters() if not name.startswith("stats_")]


def gradients(model: Recurrent, words: Tensor, output: Tensor) -> list[Tensor]:
    """Of a weighted sum of the outputs: by the words, then by the weights."""
    weight = torch.linspace(-1, 2, output.numel(), dtype=output.dtype).view_as(output)
    return list(torch.autograd.grad((output * weight).sum(), [words, *weights(model)]))


def norm(x: Tensor) -> Tensor:
    """Mean 0 and variance 1 of each row."""
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()


def cell(y: Tensor, c: Tensor, after: Callable[[Tensor], Tensor] = lambda c: c) -> Any:
    """The LSTM's step for one sentence."""
    n, o, i, f = y.chunk(4, -1)
    c = torch.tanh(n) * torch.sigmoid(i) + c * torch.sigmoid(f)
    return torch.sigmoid(o) * torch.tanh(after(c)), c


def of_hyper(model: Any, x: Tensor, d: int) -> list[Tensor]:
    """Equations of the hyper cells for one sentence in the order it is read."""
    k, h, m = model.gates, model.hidden, model.config.meta
    layered = model.config.norm == "layer"

    def normed(name: str, y: Tensor, gates: int) -> Tensor:
        if not layered:
            return y
        gain, shift = (getattr(model, f"{name}_{part}")[d, 0] for part in ("gain", "shift"))
        made: Tensor = norm(y.view(gates, -1)).flatten() * gain + shift
        return made

    def step(y: Tensor, c: Tensor, name: str) -> Any:
        if k == 1:
            return torch.tanh(y), c
        return cell(y, c, lambda c: normed(name, c, 1))

    g = s = x.new_zeros(m)
    out = c = x.new_zeros(h)
    found = []
    for x_t in x:
        y = x_t @ model.meta_x[d] + out @ model.meta_h[d] + g @ model.meta_g[d] + model.meta_b[d, 0]
        g, s = step(normed("meta_gates", y, k), s, "meta_cell")
        parts = []
        for gate in range(k):
            here = slice(gate * h, (gate + 1) * h)
            z_h = g @ model.meta_vh[d, gate] + model.meta_ah[d, gate, 0]
            z_x = g @ model.meta_vx[d, gate] + model.meta_ax[d, gate, 0]
            z_b = g @ model.meta_vb[d, gate]
            parts.append(
                (z_h @ model.basic_dh[d, gate]) * (out @ model.basic_wh[d, :, here])
                + (z_x @ model.basic_dx[d, gate]) * (x_t @ model.basic_wx[d, :, here])
                + z_b @ model.basic_db[d, gate] + model.basic_b[d, 0, here]
            )  # fmt: skip
        out, c = step(normed("basic_gates", torch.cat(parts), k), c, "basic_cell")
        found.append(out)
    return found


def of_norm(model: NormLSTM, x: Tensor, d: int) -> list[Tensor]:
    """Equations of the normalised LSTM, with averages where batches are normalised."""
    out = c = x.new_zeros(model.hidden)
    found = []
    for t, x_t in enumerate(x):
        of_x, of_h, b = x_t @ model.basic_wx[d], out @ model.basic_wh[d], model.basic_b[d, 0]
        if model.config.norm == "batch":
            mean, variance = model.stats_mean[t, d, 0], model.stats_variance[t, d, 0]
            products = torch.cat([of_x, of_h, x.new_zeros(model.hidden)])
            if t == 0:  # there is no state yet, and no product with it
                mean = mean * (torch.arange(len(mean)) < 4 * model.hidden)
            at_rest = (products - mean) / (variance + 1e-5).sqrt()
            y_x, y_h = at_rest[: 4 * model.hidden], at_rest[4 * model.hidden : 8 * model.hidden]
            gain_x, gain_h = model.basic_gain[d, 0].chunk(2)
            y = y_x * gain_x + y_h * gain_h + b
        elif model.config.norm == "layer":
            y = norm((of_x + of_h).view(4, -1)).flatten() * model.basic_gain[d, 0] + b
        else:
            y = of_x + of_h + b

        def after(c: Tensor, t: int = t) -> Tensor:
            if model.config.norm == "none":
                return c
            if model.config.norm == "batch":
                mean, variance = (
                    x[t, d, 0, 8 * model.hidden :] for x in (model.stats_mean, model.stats_variance)
                )
                c = (c - mean) / (variance + 1e-5).sqrt()
            else:
                c = norm(c)
            return c * model.basic_cell_gain[d, 0] + model.basic_cell_shift[d, 0]

        out, c = cell(y, c, after)
        found.append(out)
    return found


def of_qrnn(model: QRNN, x: Tensor, d: int) -> list[Tensor]:
    c = x.new_zeros(model.hidden)
    found = []
    for t, x_t in enumerate(x):
        first, *later = model.basic_wx[d].chunk(model.config.window, 1)
        y = x_t @ first + model.basic_b[d, 0]
        if later and t > 0:
            y = y + x[t - 1] @ later[0]
        n, o, f = y.chunk(3)
        c = torch.sigmoid(f) * c + (1 - torch.sigmoid(f)) * torch.tanh(n)
        found.append(torch.sigmoid(o) * c)
    return found


def of_rnn(model: RNN, x: Tensor, d: int) -> list[Tensor]:
    out = x.new_zeros(model.hidden)
    found = []
    for x_t in x:
        y = x_t @ model.basic_wx[d] + out @ model.basic_wh[d] + model.basic_b[d, 0]
        out = torch.relu(y) if model.config.activation == "relu" else torch.tanh(y)
        found.append(out)
    return found


EQUATIONS: dict[type[Recurrent], Callable[..., list[Tensor]]] = {
    HyperLSTM: of_hyper, MetaRNN: of_hyper, NormLSTM: of_norm, QRNN: of_qrnn, RNN: of_rnn,
}  # fmt: skip


@pytest.mark.parametrize("name", [n for n in OWN if n not in ("meta-lstm", "lstm")])
def test_outputs_are_those_of_the_equations(name: str) -> None:
    model = make(name)
    words, index, lengths = make_batch(padding=1)
    output = model(words, index, lengths)
    assert output.shape == (*index.shape, model.outputs)
    written = EQUATIONS[type(model)]
    for row, length in enumerate(LENGTHS):
        x = words[index[row, :length]]
        ahead = written(model, x, 0)
        back = written(model, x.flip(0), 1)[::-1]
        wanted = torch.cat([torch.stack(ahead), torch.stack(back)], 1)
        torch.testing.assert_close(output[row, :length], wanted)
        assert not output[row, length:].any()


@pytest.mark.parametrize("name", FORMS)
def test_the_plain_form_is_the_same(name: str) -> None:
    """Outputs and gradients: those of the steps' own products against torch's, one by one."""
    if name.startswith("torch"):
        pytest.skip("it has one form")
    words, index, lengths = make_batch(padding=1)
    model, plain = make(name), make(name)
    plain.plain = True
    one, two = model(words, index, lengths), plain(words, index, lengths)
    torch.testing.assert_close(one, two)
    pairs = zip(gradients(model, words, one), gradients(plain, words, two), strict=True)
    for first, second in pairs:
        torch.testing.assert_close(first, second)


@pytest.mark.parametrize(("name", "further"), [
    ("hyper-lstm", {"recurrent_dropout": 0.5}), ("hyper-lstm-few", {"recurrent_dropout": 0.5}),
    ("meta-rnn", {"activation": "relu"}), ("meta-rnn", {"activation": "relu", "ceiling": 0.0}),
    ("norm-lstm-layer", {"recurrent_dropout": 0.5}),
])  # fmt: skip
def test_the_plain_form_is_the_same_with_dropout_and_relu(
    name: str, further: dict[str, Any]
) -> None:
    """With more outputs than a vector of numbers holds, and some left over."""
    words, index, lengths = make_batch()
    model, plain = (make(name, hidden=9, **further) for _ in range(2))
    plain.plain = True
    one, two = (
        each(words, index, lengths, torch.Generator().manual_seed(1)) for each in (model, plain)
    )
    torch.testing.assert_close(one, two)
    with torch.no_grad():
        assert torch.equal(model(words, index, lengths, torch.Generator().manual_seed(1)), one)
    pairs = zip(gradients(model, words, one), gradients(plain, words, two), strict=True)
    for first, second in pairs:
        torch.testing.assert_close(first, second)


@pytest.mark.parametrize("name", FORMS)
def test_both_derivatives_equal_finite_differences(name: str) -> None:
    model = make(name)
    words, index, _ = make_batch()
    parts = {n: p for n, p in model.named_parameters() if not n.startswith("stats_")}
    # One vector of all weights: what a check takes grows with the number of tensors.
    flat = torch.cat([p.detach().flatten() for p in parts.values()]).requires_grad_()

    def run(words: Tensor, flat: Tensor) -> Tensor:
        pieces = flat.split([p.numel() for p in parts.values()])  # type: ignore[no-untyped-call]
        own = {n: v.view(p.shape) for (n, p), v in zip(parts.items(), pieces, strict=True)}
        output: Tensor = functional_call(model, own, (words, index[:2, :2], torch.tensor([2, 1])))
        return output

    assert torch.autograd.gradcheck(run, (words, flat), fast_mode=True)
    assert torch.autograd.gradgradcheck(run, (words, flat), fast_mode=True)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("name", FORMS)
def test_no_number_in_the_padding_changes_nothing(name: str, plain: bool) -> None:
    if plain and name.startswith("torch"):
        pytest.skip("it has one form")
    model = make(name)
    model.plain = plain
    words, index, lengths = make_batch(padding=2)
    with_nan = torch.cat([words.detach(), torch.full((1, INPUTS), torch.nan)]).requires_grad_()
    bad = index.clone()
    for row, length in enumerate(LENGTHS):
        bad[row, length:] = 6
    one, two = model(words, index, lengths), model(with_nan, bad, lengths)
    # Products with one word more may be rounded otherwise.
    torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-14)
    first, second = gradients(model, words, one), gradients(model, with_nan, two)
    assert not second[0][6].any()
    for a, b in zip(first, [second[0][:6], *second[1:]], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", FORMS)
def test_directions_share_no_weight(name: str) -> None:
    """A gradient of one direction's outputs reaches that direction's half of each weight alone."""
    model = make(name)
    words, index, lengths = make_batch()
    output = model(words, index, lengths)
    for d in (0, 1):
        part = output.chunk(2, dim=-1)[d].square().sum()
        for gradient in torch.autograd.grad(
            part, weights(model), retain_graph=True, materialize_grads=True
        ):
            assert gradient.shape[0] == 2
            assert not gradient[1 - d].any()
    reached = torch.autograd.grad(output.square().sum(), weights(model))
    assert all(bool((g.flatten(1) != 0).any(1).all()) for g in reached)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("name", [n for n in FORMS if "batch" not in n])
def test_ahead_both_halves_read_forwards(name: str, plain: bool) -> None:
    """Each half is what the forward direction makes of that half's weights."""
    model, turned = make(name), make(name)
    words, index, lengths = make_batch()
    with torch.no_grad():
        for value in turned.parameters():
            value.copy_(value.flip(0))
        wanted = [each(words, index, lengths).chunk(2, dim=-1)[0] for each in (model, turned)]
        model.ahead, model.plain = True, plain and not name.startswith("torch")
        found = model(words, index, lengths)
    torch.testing.assert_close(found, torch.cat(wanted, -1), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", [n for n in OWN if "batch" not in n])
def test_it_runs_under_vmap(name: str) -> None:
    model = make(name)
    model.plain = True
    words, index, lengths = make_batch()
    params = {n: torch.stack([p.detach(), 0.5 * p.detach()]) for n, p in model.named_parameters()}

    def loss(own: dict[str, Tensor]) -> Tensor:
        value: Tensor = functional_call(model, own, (words, index, lengths)).square().sum()
        return value

    found = vmap(grad(loss))(params)
    for each in (0, 1):
        wanted = grad(loss)({n: p[each] for n, p in params.items()})
        for n, gradient in wanted.items():
            torch.testing.assert_close(found[n][each], gradient)


@pytest.mark.parametrize(("name", "kind", "further"), [
    ("rnn", nn.RNN, {}), ("rnn-relu", nn.RNN, {"nonlinearity": "relu"}), ("lstm", nn.LSTM, {}),
])  # fmt: skip
def test_weights_of_torch_give_torchs_outputs_and_gradients(
    name: str, kind: type[nn.RNNBase], further: dict[str, str]
) -> None:
    torch.manual_seed(0)
    other = kind(INPUTS, HIDDEN, batch_first=True, bidirectional=True, **further).double()  # type: ignore[arg-type]
    model = make(name)
    assert isinstance(model, RNN | PlainLSTM)
    model.take(other)  # type: ignore[arg-type]
    words, index, lengths = make_batch()
    full = torch.full_like(lengths, index.shape[1])
    ours, theirs = model(words, index, full), other(words[index])[0]
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)
    weight = torch.linspace(-1, 2, ours.numel(), dtype=ours.dtype).view_as(ours)
    (to_ours,), (to_theirs,) = (
        torch.autograd.grad((y * weight).sum(), words, retain_graph=True) for y in (ours, theirs)
    )
    torch.testing.assert_close(to_ours, to_theirs, rtol=0, atol=1e-6)
    (theirs * weight).sum().backward()
    # The gradients of torch's weights, taken over as its weights are, are those of ours.
    with torch.no_grad():
        for value in other.parameters():
            assert value.grad is not None
            value.copy_(value.grad)
        for d in ("", "_reverse"):  # one bias here is the sum of two there, with the same gradient
            getattr(other, f"bias_hh_l0{d}").zero_()
    wanted = make(name)
    assert isinstance(wanted, RNN | PlainLSTM)
    wanted.take(other)  # type: ignore[arg-type]
    found = torch.autograd.grad((ours * weight).sum(), list(model.parameters()))
    for gradient, value in zip(found, wanted.parameters(), strict=True):
        torch.testing.assert_close(gradient, value.detach(), rtol=0, atol=1e-6)
    back = model.as_torch()
    torch.testing.assert_close(back(words[index])[0], ours)


def test_weights_of_another_shape_are_refused() -> None:
    model = make("lstm")
    assert isinstance(model, PlainLSTM)
    for other in (nn.LSTM(INPUTS, HIDDEN), nn.LSTM(INPUTS, HIDDEN + 1, bidirectional=True)):
        with pytest.raises(ValueError, match="not one layer of both directions"):
            model.take(other)


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("match", [False, True])
def test_its_size_is_known_and_matched(name: str, match: bool) -> None:
    config = MetaLSTMConfig(match=match, hidden=9, **FORMS[name] | {"meta": 5, "z": 4})
    model = make_lstm(20, config, torch.Generator().manual_seed(0))
    found = sum(p.numel() for p in weights(model))
    assert found == type(model).size(20, model.hidden, config)
    if match:
        wanted = sum(
            p.numel() for p in make_lstm(
                20, MetaLSTMConfig(hidden=9, meta=5, z=4), torch.Generator()
            ).parameters()
        )  # fmt: skip
        others = (type(model).size(20, k, config) for k in (model.hidden - 1, model.hidden + 1))
        assert all(abs(found - wanted) <= abs(other - wanted) for other in others)
    else:
        assert model.hidden == 9


@pytest.mark.parametrize("kind", ["hyper-lstm", "meta-rnn"])
def test_every_scale_starts_at_a_tenth(kind: str) -> None:
    config = MetaLSTMConfig(kind=kind, match=False, hidden=6, meta=4, z=5)
    model = make_lstm(INPUTS, config, torch.Generator().manual_seed(0))
    assert isinstance(model, HyperLSTM | MetaRNN)
    own = model.weights().in_one()
    weight, at_rest = (x.detach().chunk(3, -1) for x in (own.to_scale, own.at_rest))
    for k in (0, 1):
        assert not weight[k].any()
        torch.testing.assert_close(at_rest[k], torch.full_like(at_rest[k], 0.1))
    assert not weight[2].any()
    for gate in model.basic_wh.detach()[0].chunk(model.gates, 1):
        torch.testing.assert_close(gate @ gate.t(), torch.eye(6), rtol=1e-5, atol=1e-5)
    if kind == "hyper-lstm":
        assert (model.basic_b[..., 18:] == 1).all()
        assert (model.meta_b[..., 12:] == 1).all()
    uniform = make_lstm(
        INPUTS, MetaLSTMConfig(kind=kind, match=False, hidden=6, start="uniform", forget_bias=0.0),
        torch.Generator().manual_seed(0),
    )  # fmt: skip
    for name, value in uniform.named_parameters():
        assert 0 < float(value.detach().abs().max()) <= 6**-0.5, name


def test_an_orthogonal_matrix_turns_and_does_not_stretch() -> None:
    found = orthogonal(7, torch.Generator().manual_seed(0))
    torch.testing.assert_close(found @ found.t(), torch.eye(7), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["rnn", "meta-rnn"])
def test_relu_stops_at_its_ceiling(kind: str) -> None:
    config = MetaLSTMConfig(kind=kind, match=False, hidden=4, activation="relu", scale_static=40.0)
    model = make_lstm(INPUTS, config, torch.Generator().manual_seed(0))
    words = torch.full((1, INPUTS), 1e30)
    output = model(words, torch.zeros(1, 200, dtype=torch.int64), torch.tensor([200]))
    assert 0 < float(output.detach().max()) <= 20


def test_recurrent_dropout_drops_what_is_added_to_the_cell() -> None:
    model = make("norm-lstm", recurrent_dropout=0.5)
    words, index, lengths = make_batch()
    generator = torch.Generator().manual_seed(3)
    factors = model.keep((len(LENGTHS), max(LENGTHS)), generator, words)
    assert factors is not None
    assert set(factors.flatten().tolist()) == {0.0, 2.0}
    output = model(words, index, lengths, torch.Generator().manual_seed(3))
    x = words[index[1]]
    out = c = x.new_zeros(HIDDEN)
    for t, x_t in enumerate(x):
        y = x_t @ model.basic_wx[0] + out @ model.basic_wh[0] + model.basic_b[0, 0]  # type: ignore[index]
        n, o, i, f = y.chunk(4)
        c = torch.tanh(n) * torch.sigmoid(i) * factors[1, t, :HIDDEN] + c * torch.sigmoid(f)
        out = torch.sigmoid(o) * torch.tanh(c)
        torch.testing.assert_close(output[1, t, :HIDDEN], out)
    torch.testing.assert_close(model(words, index, lengths), make("norm-lstm")(*make_batch()))


def test_batch_norm_learns_averages_and_then_goes_by_them() -> None:
    model = make("norm-lstm-batch", hidden=3)
    assert isinstance(model, NormLSTM)
    words, index, lengths = make_batch()
    before = model(words, index, lengths)
    for _ in range(300):
        trained = model(words, index, lengths, torch.Generator())
    # The same batch again and again: its averages become the batch's own statistics, to far below
    # what keeps a variance of 0 (of a step with one row) from being divided by.
    torch.testing.assert_close(model(words, index, lengths), trained, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(before, trained, atol=1e-2)
    x = words[index[:, 0]] @ model.basic_wx[0]
    torch.testing.assert_close(model.stats_mean[0, 0, 0, :12], x.mean(0))
    torch.testing.assert_close(model.stats_variance[0, 0, 0, :12], x.var(0, unbiased=False))
    model.stats_mean.requires_grad_(False)
    kept = model.stats_mean.clone()
    torch.testing.assert_close(
        model(words, index, lengths, torch.Generator()), model(words, index, lengths)
    )
    assert torch.equal(model.stats_mean, kept)
    assert make("norm-lstm-batch").basic_gain.shape == (2, 1, 8 * HIDDEN)
    fresh = NormLSTM(2, model.config, torch.Generator())
    assert (fresh.basic_gain == 0.1).all()


def test_a_second_way_back_counts_nothing_twice() -> None:
    """By the words alone, then by all: what the first way back kept is no part of the second."""
    model = make("rnn")
    words, index, lengths = make_batch()
    output = model(words, index, lengths).square().sum()
    torch.autograd.grad(output, words, retain_graph=True)
    found = torch.autograd.grad(output, [words, *weights(model)], retain_graph=True)
    again = torch.autograd.grad(output, [words, *weights(model)])
    for one, two in zip(found, again, strict=True):
        assert torch.equal(one, two)


def test_shared_products_have_a_bias_and_something_to_add_to() -> None:
    generator = torch.Generator().manual_seed(0)
    left, weight, bias, to = (
        torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()
        for shape in ((2, 3, 4), (2, 4, 5), (2, 1, 5), (2, 3, 5))
    )

    def run(left: Tensor, weight: Tensor, bias: Tensor, to: Tensor) -> Tensor:
        shared = steps.Shared(weight, bias)
        return shared.times(left, to) + shared.times(2 * left)

    torch.testing.assert_close(run(left, weight, bias, to), 3 * left @ weight + 2 * bias + to)
    assert torch.autograd.gradcheck(run, (left, weight, bias, to))
    assert torch.autograd.gradgradcheck(run, (left, weight, bias, to))
