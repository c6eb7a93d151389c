"""The Meta-LSTM against its equations, its forms against each other, and its gradients."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap

from fewshot_metalstm.nn import jit, layer, recurrence
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.metalstm import MetaLSTM
from fewshot_metalstm.nn.recurrence import recurrence as run_fast
from fewshot_metalstm.nn.recurrence import recurrence_plain

INPUTS = 5
RAGGED = (4, 7, 1, 7, 2)
FORMS = list(itertools.product((True, False), (0.0, 1.0)))
NAMES = ("meta_x", "meta_h", "meta_g", "meta_b", "meta_z", "basic_qx", "basic_qh", "basic_p",
         "basic_bz")  # fmt: skip


@pytest.fixture(autouse=True, params=["by_hand", "fused"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which fast form every test here runs with."""
    name: str = request.param
    if name == "fused" and not jit.available():
        pytest.skip("numba is not installed")
    run = layer.layer_by_hand
    if name == "fused":
        from fewshot_metalstm.nn.fused import layer_fused as run
    monkeypatch.setattr("fewshot_metalstm.nn.metalstm.fastest", lambda _: run)
    return name


def make(static: bool = True, offset: float = 1.0, seed: int = 0) -> MetaLSTM:
    """A small one with no weight at zero."""
    generator = torch.Generator().manual_seed(seed)
    config = MetaLSTMConfig(hidden=4, meta=3, z=2, static=static, offset=offset)
    model = MetaLSTM(INPUTS, config, generator).double()
    with torch.no_grad():
        for value in model.parameters():
            value.add_(torch.randn(value.shape, generator=generator), alpha=0.3)
    return model


def make_batch(lengths: tuple[int, ...], padding: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Features of 6 words, which word stands where, and lengths; ``padding`` columns too many."""
    generator = torch.Generator().manual_seed(7)
    words = torch.randn(6, INPUTS, generator=generator, dtype=torch.float64)
    index = torch.randint(0, 6, (len(lengths), max(lengths) + padding), generator=generator)
    return words.requires_grad_(), index, torch.tensor(lengths)


def gradients(model: MetaLSTM, words: Tensor, index: Tensor, lengths: Tensor) -> list[Tensor]:
    """Of a weighted sum of the outputs: by the words, then by the parameters."""
    output = model(words, index, lengths)
    weight = torch.linspace(-1, 2, output.numel(), dtype=output.dtype).view_as(output)
    inputs: list[Tensor] = [words, *model.parameters()]
    return list(torch.autograd.grad((output * weight).sum(), inputs))


def by_equations(model: MetaLSTM, sentence: Tensor, d: int) -> Tensor:
    """Outputs of direction ``d`` for the words in the order read: one sentence, no batch."""
    config = model.config
    h, m, z = config.hidden, config.meta, config.z
    w = {name: value[d] for name, value in model.named_parameters()}
    zero = torch.zeros
    g, s = zero(m, dtype=torch.float64), zero(m, dtype=torch.float64)
    out, c = zero(h, dtype=torch.float64), zero(h, dtype=torch.float64)
    outputs = []
    for x in sentence:
        gates = x @ w["meta_x"] + out @ w["meta_h"] + g @ w["meta_g"] + w["meta_b"][0]
        n, o, i, f = (gates[k * m : (k + 1) * m] for k in range(4))
        s = n.tanh() * i.sigmoid() + s * f.sigmoid()
        g = o.sigmoid() * s.tanh()
        zt = config.offset + g @ w["meta_z"]
        pre = []
        for k in range(4):
            columns = slice(k * h, (k + 1) * h)
            ranks = slice(k * z, (k + 1) * z)
            q = torch.cat([w["basic_qx"], w["basic_qh"]])[:, ranks]  # (inputs + h, z)
            matrix = q @ zt.diag() @ w["basic_p"][k]  # the generated weights, formed
            bias = zt @ w["basic_bz"][:, columns]
            if config.static:
                matrix = matrix + torch.cat([w["basic_wx"], w["basic_wh"]])[:, columns]
                bias = bias + w["basic_b"][0, columns]
            pre.append(torch.cat([x, out]) @ matrix + bias)
        n, o, i, f = pre
        c = n.tanh() * i.sigmoid() + c * f.sigmoid()
        out = o.sigmoid() * c.tanh()
        outputs.append(out)
    return torch.stack(outputs)


@pytest.mark.parametrize(("static", "offset"), FORMS)
@pytest.mark.parametrize("plain", [False, True])
def test_metalstm_follows_the_equations(static: bool, offset: float, plain: bool) -> None:
    model = make(static, offset)
    model.plain = plain
    words, index, lengths = make_batch(RAGGED)
    with torch.no_grad():
        output = model(words, index, lengths)
        for row, length in enumerate(RAGGED):
            sentence = words[index[row, :length]]
            there = by_equations(model, sentence, 0)
            back = by_equations(model, sentence.flip(0), 1).flip(0)
            torch.testing.assert_close(output[row, :length], torch.cat([there, back], dim=1))
            assert not output[row, length:].any()


@pytest.mark.parametrize(("static", "offset"), FORMS)
@pytest.mark.parametrize("lengths", [RAGGED, (1,), (1, 1, 1), (6,), (3, 3), (1, 5)])
def test_metalstm_fast_equals_plain(static: bool, offset: float, lengths: tuple[int, ...]) -> None:
    model = make(static, offset)
    batch = make_batch(lengths, padding=1)
    output, found = model(*batch), gradients(model, *batch)
    model.plain = True
    torch.testing.assert_close(output, model(*batch))
    for one, other in zip(found, gradients(model, *batch), strict=True):
        torch.testing.assert_close(one, other)


def test_metalstm_fast_equals_plain_in_float32_at_full_size() -> None:
    generator = torch.Generator().manual_seed(0)
    model = MetaLSTM(30, MetaLSTMConfig(), generator)
    lengths = torch.tensor([20, 3, 11])
    words = torch.randn(25, 30, generator=generator, requires_grad=True)
    index = torch.randint(0, 25, (3, 20), generator=generator)
    output, found = model(words, index, lengths), gradients(model, words, index, lengths)
    assert output.dtype == torch.float32
    model.plain = True
    torch.testing.assert_close(output, model(words, index, lengths), rtol=1e-4, atol=1e-5)
    for one, other in zip(found, gradients(model, words, index, lengths), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3 * float(other.abs().max()))


@pytest.mark.parametrize("sizes", [(1, 1, 1), (17, 3, 5), (16, 16, 16), (40, 33, 7)])
@pytest.mark.parametrize(("static", "offset"), [(True, 1.0), (False, 0.3)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_metalstm_fast_equals_plain_at_odd_sizes(
    sizes: tuple[int, int, int], static: bool, offset: float, dtype: torch.dtype
) -> None:
    h, m, z = sizes
    generator = torch.Generator().manual_seed(h)
    config = MetaLSTMConfig(hidden=h, meta=m, z=z, static=static, offset=offset)
    model = MetaLSTM(h + 2, config, generator).to(dtype)
    words = torch.randn(9, h + 2, generator=generator, dtype=dtype, requires_grad=True)
    lengths = torch.tensor([9, 1, 4, 9, 7, 2, 2, 8])
    index = torch.randint(0, 9, (8, 10), generator=generator)
    output, found = model(words, index, lengths), gradients(model, words, index, lengths)
    model.plain = True
    rtol, atol = (1e-3, 1e-5) if dtype == torch.float32 else (1e-9, 1e-12)
    torch.testing.assert_close(output, model(words, index, lengths), rtol=rtol, atol=atol)
    for one, other in zip(found, gradients(model, words, index, lengths), strict=True):
        scale = float(other.abs().max()) + 1
        torch.testing.assert_close(one, other, rtol=rtol, atol=atol * scale)


def test_metalstm_is_the_same_on_one_thread_and_two() -> None:
    model = make()
    lengths = tuple(range(1, 25))
    batch = make_batch(lengths)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        output, found = model(*batch), gradients(model, *batch)
        torch.set_num_threads(2)
        torch.testing.assert_close(output, model(*batch))
        for one, other in zip(found, gradients(model, *batch), strict=True):
            torch.testing.assert_close(one, other)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_metalstm_hides_no_number_that_is_not_finite(value: float) -> None:
    model = make().float()
    words, index, lengths = make_batch(RAGGED)
    words = words.detach().float()
    words[:, 0] = value
    assert not model(words, index, lengths).isfinite().all()


@pytest.mark.parametrize("order", [1, 2])
def test_metalstm_gradients_equal_finite_differences(order: int) -> None:
    model = make()
    words, index, lengths = make_batch((3, 1, 2))
    names = list(dict(model.named_parameters()))

    def run(words: Tensor, *values: Tensor) -> Tensor:
        output: Tensor = functional_call(
            model, dict(zip(names, values, strict=True)), (words, index, lengths)
        )
        return output

    check = torch.autograd.gradcheck if order == 1 else torch.autograd.gradgradcheck
    assert check(run, (words, *model.parameters()), fast_mode=True)


def test_metalstm_is_the_default_without_gradients_too() -> None:
    model = make()
    batch = make_batch(RAGGED)
    with torch.no_grad():
        silent = model(*batch)
    torch.testing.assert_close(silent, model(*batch), rtol=0, atol=0)
    assert not silent.requires_grad


def test_metalstm_padding_has_no_influence() -> None:
    model = make()
    words, index, lengths = make_batch(RAGGED)
    expected, found = model(words, index, lengths), gradients(model, words, index, lengths)
    longer = torch.full((len(RAGGED), max(RAGGED) + 2), 5)
    for row, length in enumerate(RAGGED):
        longer[row, :length] = index[row, :length]
    output = model(words, longer, lengths)
    torch.testing.assert_close(output[:, : max(RAGGED)], expected)
    assert not output[:, max(RAGGED) :].any()
    weight = torch.linspace(-1, 2, expected.numel(), dtype=expected.dtype).view_as(expected)
    loss = (output[:, : max(RAGGED)] * weight).sum()
    for one, two in zip(
        found, torch.autograd.grad(loss, [words, *model.parameters()]), strict=True
    ):
        torch.testing.assert_close(one, two)


def test_metalstm_sentences_do_not_mix() -> None:
    model = make()
    words, index, lengths = make_batch(RAGGED)
    together = model(words, index, lengths)
    for row, length in enumerate(RAGGED):
        alone = model(words, index[row : row + 1, :length], lengths[row : row + 1])
        torch.testing.assert_close(together[row : row + 1, :length], alone)


@pytest.mark.parametrize(("static", "offset"), [(True, 1.0), (False, 0.0)])
@pytest.mark.parametrize("order", [1, 2])
def test_recurrence_gradients_equal_finite_differences(
    static: bool, offset: float, order: int, form: str
) -> None:
    if form != "by_hand":
        pytest.skip("of the recurrence alone")
    generator = torch.Generator().manual_seed(3)

    def normal(*shape: int) -> Tensor:
        x = torch.randn(*shape, generator=generator, dtype=torch.float64) * 0.5
        return x.requires_grad_()

    h, m, z, sizes = 3, 2, 2, [2, 2, 1]
    width = 4 * (m + z + (h if static else 0))
    rows = torch.tensor([[0, 1], [1, 2], [2, 0], [0, 0], [1, 1]])
    inputs = (normal(2, 3, width), normal(2, h, width), normal(2, m, 4 * m), normal(2, m, z),
              normal(2, 4, z, h), normal(2, z, 4 * h))  # fmt: skip

    def fast(x: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor, e: Tensor) -> Tensor:
        return run_fast(x, rows, sizes, a, b, c, d, e, offset)

    if order == 1:
        assert torch.autograd.gradcheck(fast, inputs)
    else:  # along directions drawn at random: every entry by itself takes 20 times as long
        assert torch.autograd.gradgradcheck(fast, inputs, fast_mode=True)
    x, *weights = inputs
    assert len(weights) == 5
    a, b, c, d, e = weights
    plain = recurrence_plain(x, rows, sizes, a, b, c, d, e, offset)
    torch.testing.assert_close(fast(*inputs), plain)


def test_recurrence_second_order_counts_an_input_that_depends_on_another_once() -> None:
    model = make()
    words, index, lengths = make_batch((3, 2))
    names = dict(model.named_parameters())

    def second_order(plain: bool) -> list[Tensor]:
        model.plain = plain
        params: dict[str, Tensor] = dict(names)
        params["basic_bz"] = names["basic_bz"] + names["meta_z"].sum()
        loss = functional_call(model, params, (words, index, lengths)).square().sum()
        # By tensors that depend on each other, as an unrolled inner loop has them.
        inner = torch.autograd.grad(loss, [params["basic_bz"], names["meta_z"]], create_graph=True)
        total = sum((g.square().sum() for g in inner), torch.zeros(()))
        return list(torch.autograd.grad(total, [words, *names.values()], materialize_grads=True))

    for one, other in zip(second_order(False), second_order(True), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("static", [True, False])
def test_metalstm_second_order_through_higher(static: bool) -> None:
    higher = pytest.importorskip("higher")
    model = make(static)
    batch = make_batch(RAGGED)

    def outer(plain: bool) -> list[Tensor]:
        model.plain = plain
        fast = higher.monkeypatch(model, copy_initial_weights=False, track_higher_grads=True)
        optimiser = higher.get_diff_optim(
            torch.optim.SGD(model.parameters(), lr=0.1), model.parameters(), fmodel=fast,
            track_higher_grads=True,
        )  # fmt: skip
        for _ in range(2):
            optimiser.step(fast(*batch).square().sum())
        return list(torch.autograd.grad(fast(*batch).sum(), [*model.parameters()]))

    for one, other in zip(outer(False), outer(True), strict=True):
        torch.testing.assert_close(one, other)


def test_metalstm_first_order_gradient_never_runs_the_plain_form(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("the plain form ran")

    model, batch = make(), make_batch(RAGGED)
    module = recurrence if form == "by_hand" else layer
    monkeypatch.setattr(module, "recurrence_plain", fail)
    gradients(model, *batch)
    with pytest.raises(AssertionError, match="plain form ran"):
        torch.autograd.grad(model(*batch).sum(), list(model.parameters()), create_graph=True)


@pytest.mark.parametrize("names", [("basic_p",), ("basic_wh", "basic_bz"), ("meta_z",), NAMES])
def test_metalstm_gives_only_the_gradients_asked_for(names: tuple[str, ...]) -> None:
    model = make()
    words, index, lengths = make_batch(RAGGED)
    found = gradients(model, words, index, lengths)[1:]
    everything = dict(zip(dict(model.named_parameters()), found, strict=True))
    params = {n: p.detach() for n, p in model.named_parameters()}
    for name in names:
        params[name].requires_grad_()
    output = functional_call(model, params, (words.detach(), index, lengths))
    weight = torch.linspace(-1, 2, output.numel(), dtype=output.dtype).view_as(output)
    (output * weight).sum().backward()
    for name, value in params.items():
        assert (value.grad is not None) == (name in names)
        if value.grad is not None:
            torch.testing.assert_close(value.grad, everything[name])


@pytest.mark.parametrize("name", ["basic_p", "meta_g", "meta_z", "basic_bz", "basic_wx"])
def test_recurrence_skips_what_is_not_needed(
    name: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if form != "by_hand":
        pytest.skip("of the recurrence alone")
    seen: list[bool] = []
    by_hand = recurrence._by_hand

    def spy(*arguments: Any) -> tuple[Tensor | None, ...]:
        found = by_hand(*arguments)
        seen.extend(gradient is not None for gradient in found)
        return found

    monkeypatch.setattr(recurrence, "_by_hand", spy)
    model = make().requires_grad_(False)
    words, index, lengths = make_batch(RAGGED)
    model.get_parameter(name).requires_grad_()
    model(words.detach(), index, lengths).sum().backward()
    place = {"basic_wx": 0, "meta_g": 4, "meta_z": 5, "basic_p": 6, "basic_bz": 7}[name]
    assert seen == [i == place for i in range(9)]


def test_metalstm_backward_can_run_twice() -> None:
    model, batch = make(), make_batch(RAGGED)
    loss = model(*batch).square().sum()
    first = torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)
    second = torch.autograd.grad(loss, list(model.parameters()))
    for one, two in zip(first, second, strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0)


def test_metalstm_plain_form_works_under_vmap() -> None:
    model = make()
    model.plain = True
    words, index, lengths = make_batch(RAGGED)
    words = torch.stack([words, words.flip(0)]).detach()
    index = torch.stack([index, index.flip(0)])
    lengths = torch.stack([lengths, lengths.flip(0)])
    params = {n: p.detach() for n, p in model.named_parameters()}

    def loss(params: dict[str, Tensor], *batch: Tensor) -> Tensor:
        output: Tensor = functional_call(model, params, batch)
        return output.square().sum()

    found = vmap(grad(loss), in_dims=(None, 0, 0, 0))(params, words, index, lengths)
    for task in range(2):
        alone = grad(loss)(params, words[task], index[task], lengths[task])
        for name, value in alone.items():
            torch.testing.assert_close(found[name][task], value)


def test_metalstm_runs_on_the_accelerator() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    model, (words, index, lengths) = make(), make_batch(RAGGED)
    expected = gradients(model, words, index, lengths)
    model.cuda()
    there = words.detach().cuda().requires_grad_()
    for one, other in zip(expected, gradients(model, there, index.cuda(), lengths.cuda()),
                          strict=True):  # fmt: skip
        torch.testing.assert_close(one, other.cpu())
