"""Packed matrices: the masked matrix again, by any way of multiplying with it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from fewshot_metalstm.compress.combining import CombiningConfig, Matrix, combine
from fewshot_metalstm.compress.packed import Packed, pack
from fewshot_metalstm.compress.pruning import sparsity_at, without_smallest
from fewshot_metalstm.nn.jit import available

SHAPES = [(1, 1), (17, 9), (40, 33)]


def sparse(rows: int, columns: int, seed: int, sparsity: float = 0.7) -> Matrix:
    matrix = np.random.default_rng(seed).standard_normal((rows, columns))
    return matrix * without_smallest(matrix, sparsity)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.75])
def test_packed_times_x_is_masked_dense_times_x(shape: tuple[int, int], gamma: float) -> None:
    matrix = sparse(*shape, 1)
    packed, kept = pack(matrix, combine(matrix != 0, CombiningConfig(4, gamma)))
    dense = np.where(kept, matrix, 0)
    x = np.random.default_rng(2).standard_normal((shape[1], 5))
    assert np.array_equal(packed.dense(), dense)
    np.testing.assert_allclose(packed.times(x), dense @ x, rtol=1e-12, atol=1e-12)
    assert packed.weights == kept.sum()
    assert packed.utilisation == kept.sum() / (shape[0] * len(packed.groups))
    if gamma == 0:
        assert np.array_equal(dense, matrix)  # nothing was lost


@pytest.mark.skipif(not available(), reason="no numba here")
@pytest.mark.parametrize("batch", [1, 8, 37, 150])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_the_kernel_is_the_masked_dense_product(batch: int, kind: type[np.floating]) -> None:
    from fewshot_metalstm.nn.kernels.packed import add_packed

    matrix: Matrix = sparse(40, 33, 3).astype(kind)
    packed, _ = pack(matrix, combine(matrix != 0, CombiningConfig(5, 1.0)))
    generator = np.random.default_rng(4)
    x: Matrix = generator.standard_normal((33, batch)).astype(kind)
    y: Matrix = generator.standard_normal((40, batch)).astype(kind)
    wanted = y + packed.dense() @ x
    add_packed(y, packed.values, packed.columns(), x)
    tolerance = 1e-12 if kind is np.float64 else 1e-4
    np.testing.assert_allclose(y, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("values", "choices", "groups"), [
    (np.zeros((2, 1)), np.zeros((2, 2), np.uint8), ((0,),)),
    (np.zeros((2, 1)), np.zeros((2, 1), np.uint8), ((0, 0),)),
    (np.zeros((2, 1)), np.zeros((2, 1), np.uint8), ((1,),)),
    (np.zeros((2, 1)), np.full((2, 1), 2, np.uint8), ((0, 1),)),
])  # fmt: skip
def test_parts_that_do_not_fit_are_refused(
    values: Matrix, choices: npt.NDArray[np.uint8], groups: tuple[tuple[int, ...], ...]
) -> None:
    with pytest.raises(ValueError, match=r"shapes|part the columns|has not"):
        Packed(values, choices, groups)


def test_the_smallest_weights_are_pruned() -> None:
    matrix = np.array([[3.0, -1.0], [0.0, 2.0]])
    assert without_smallest(matrix, 0.5).tolist() == [[True, False], [False, True]]
    assert without_smallest(matrix, 0.0).sum() == 3  # what is zero counts as pruned


def test_the_schedule_is_cubic() -> None:
    assert sparsity_at(0, 0.8) == 0
    assert sparsity_at(1, 0.8) == pytest.approx(0.8)
    assert sparsity_at(0.5, 0.8) == pytest.approx(0.8 * (1 - 0.125))
