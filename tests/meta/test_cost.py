"""What a run costs: counted operations, and when they are counted."""

from __future__ import annotations

import pytest
import torch

from fewshot_metalstm.flops import flops
from fewshot_metalstm.meta.cost import SHARE, SLOWER, Cost, Piece, cost_of
from fewshot_metalstm.nn import jit

CPU = torch.device("cpu")
A, B = torch.ones(3, 5), torch.ones(5, 7, requires_grad=True)
PRODUCT = 2 * 3 * 5 * 7


def both_ways() -> None:
    """A product, and the gradient of its second factor."""
    (A @ B).sum().backward()  # type: ignore[no-untyped-call]


def test_operations_are_those_of_the_products_forward_and_backward() -> None:
    assert flops(lambda: A @ B) == PRODUCT
    assert flops(both_ways) == 2 * PRODUCT
    assert flops(lambda: A + A) == 0


def test_compiled_kernels_are_out_while_operations_are_counted() -> None:
    before = jit.available()
    seen = []
    flops(lambda: seen.append(jit.available()))
    with pytest.raises(ZeroDivisionError):
        flops(lambda: 1 / 0)
    assert seen == [False]
    assert jit.available() == before


def test_a_run_costs_its_pieces_as_often_as_they_are_done() -> None:
    pieces = [Piece(10, 0.001, lambda: A @ B), Piece(2.5, 0.001, both_ways)]
    cost = cost_of(600.0, pieces, CPU)
    assert cost.flops == 10 * PRODUCT + 2.5 * 2 * PRODUCT
    assert 10 < cost.peak_mib < 1e6
    assert cost.metrics == {
        "cost/seconds": 600.0, "cost/peak_mib": cost.peak_mib, "cost/flops": cost.flops
    }  # fmt: skip


def test_what_takes_long_to_count_is_left_out() -> None:
    seconds = SLOWER * 1.0 / SHARE
    called = []
    piece = Piece(1, 1.0, lambda: called.append(1))
    assert cost_of(0.9 * seconds, [piece], CPU).flops is None
    assert called == []
    assert cost_of(1.1 * seconds, [piece], CPU).flops == 0
    assert called == [1]


def test_words() -> None:
    assert Cost(9.0, 3.14e15, 611.7).words == (
        "cost: about 3.1e15 floating-point operations in matrix products, "
        "612 MiB of memory in this process so far"
    )
    found = Cost(9.0, None, 611.7, 40.2)
    assert found.words == "cost: 612 MiB of memory in this process so far, 40 MiB of the GPU's"
    assert found.metrics == {"cost/seconds": 9.0, "cost/peak_mib": 611.7, "cost/gpu_mib": 40.2}
