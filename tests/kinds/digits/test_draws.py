"""Supports: frozen ones are believed for their own split alone, others are pure functions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.draws import FROZEN, draw, load_draw
from fewshot_metalstm.kinds.digits.reader import load_mnist
from fewshot_metalstm.kinds.digits.tasks import load_target
from tests.kinds.digits.builders import made_up, target

MANY = load_target("digits-6789", made_up(1200))


def test_a_draw_has_so_many_images_of_each_class() -> None:
    task = target()
    split = task.splits["train"]
    for shots in (1, 5):
        found = draw(task, shots, 0)
        assert list(found) == sorted(set(found))
        assert np.bincount(split.labels[split.at(found)]).tolist() == [shots] * 4


def test_a_draw_depends_on_seed_number_and_shots_alone() -> None:
    task = target()
    assert draw(task, 5, 1) == draw(target(), 5, 1)
    assert len({draw(task, 5, n, seed=s) for n in range(3) for s in range(2)}) == 6


def test_too_few_images_are_refused() -> None:
    with pytest.raises(UserError, match="36 images of the class 6, too few for 37 shots"):
        draw(target(), 37, 0)
    with pytest.raises(UserError, match="at least 1"):
        draw(target(), 0, 0)


def test_frozen_draws_are_those_drawn_and_are_checked(tmp_path: Path) -> None:
    (path,) = FROZEN.freeze([MANY], tmp_path)
    assert FROZEN.check([MANY], tmp_path) == ()
    assert load_draw(MANY, 5, 2, folder=tmp_path) == draw(MANY, 5, 2)
    text = path.read_text("utf-8")
    path.write_text(
        text.replace('{"shots":1,"draw":0,"indices":[', '{"shots":1,"draw":0,"indices":[0,')
    )
    with pytest.raises(UserError, match=path.name):
        FROZEN.read(path)
    path.unlink()
    assert "there is no" in FROZEN.check([MANY], tmp_path)[0]


def test_frozen_draws_of_another_split_are_refused(tmp_path: Path) -> None:
    FROZEN.freeze([MANY], tmp_path)
    with pytest.raises(UserError, match="digits-6789"):
        load_draw(target(), 1, 0, folder=tmp_path)


def test_the_frozen_file_is_what_is_drawn_afresh(real_mnist: Path) -> None:
    assert FROZEN.check([load_target("digits-6789", load_mnist(real_mnist))]) == ()
