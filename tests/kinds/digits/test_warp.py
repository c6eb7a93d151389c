"""Warps: pure functions, the same for all images of a class, and none where none is asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.warp import (
    NO_WARP,
    Floats,
    WarpConfig,
    draw_warps,
    warped,
)
from fewshot_metalstm.ranges import check
from fewshot_metalstm.seeds import numpy_generator
from tests.kinds.digits.builders import pictures

IMAGES = pictures(6, 0)[0]


def warps(config: WarpConfig, number: int = 6, seed: int = 0) -> Floats:
    """Some warps."""
    return draw_warps(config, number, numpy_generator(seed, "warp"))


def test_none_leaves_images_as_they_are() -> None:
    np.testing.assert_allclose(warped(IMAGES, warps(NO_WARP)), IMAGES, atol=1e-3)


def test_they_are_functions_of_the_generator() -> None:
    config = WarpConfig(mirror=0.5)
    np.testing.assert_array_equal(warps(config), warps(config))
    assert not np.allclose(warps(config), warps(config, seed=1))
    assert not np.allclose(warps(config)[0], warps(config)[1])


def test_a_mirror_changes_left_and_right() -> None:
    found = warped(IMAGES, warps(replace(NO_WARP, mirror=1.0)))
    np.testing.assert_allclose(found, IMAGES[:, :, ::-1], atol=1e-2)


def test_a_turn_is_a_turn_and_keeps_lengths() -> None:
    """A quarter turn is that of NumPy; any turn leaves the matrix orthogonal."""
    quarter = np.array([[[0, 1, 0], [-1, 0, 0]]], np.float32)
    found = warped(IMAGES[:1], quarter)[0]
    turned = [np.rot90(IMAGES[0], k) for k in (1, 3)]
    assert min(float(np.abs(found - other).max()) for other in turned) < 1e-2
    for one in warps(WarpConfig(180.0, 0.0, 0.0, 0.5)):
        np.testing.assert_allclose(one[:, :2] @ one[:, :2].T, np.eye(2), atol=1e-6)


@pytest.mark.parametrize(("name", "value"), [("angle", 181.0), ("mirror", -0.1), ("stretch", 1.0)])
def test_settings_that_mean_nothing_are_refused(name: str, value: float) -> None:
    with pytest.raises(UserError, match=rf"warp\.{name} is"):
        check(replace(WarpConfig(), **{name: value}), "warp")
