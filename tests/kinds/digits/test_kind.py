"""Digits as a kind: names, what was seen, settings, methods."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fewshot_metalstm.config import resolve
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.kinds.digits.kind import DIGITS
from fewshot_metalstm.kinds.digits.methods import METHODS
from fewshot_metalstm.kinds.digits.model import ReaderModel, new_reader
from fewshot_metalstm.kinds.digits.settings import DigitsRunConfig, DigitsTrainConfig
from fewshot_metalstm.kinds.kind import Support
from tests.kinds.digits.builders import SMALL, scaling, target

ABOUT = {"learned_classes": ["0", "1", "2"], "algorithm": "fomaml"}
QUICK = [
    f"{section}.{setting}" for section in ("adapt", "scratch", "prototypes")
    for setting in ("epochs=1", "min_steps=2")
]  # fmt: skip


@pytest.mark.parametrize("name", ["digits-6789", "digits-01-90", "digits-96", "mnist"])
def test_names_of_digits_are_known_as_such(name: str) -> None:
    assert registry.of_target(name).name == "digits"


@pytest.mark.parametrize("name", ["linnaeus", "digits.tsv", "digits-of-mine", "demo-species"])
def test_other_names_are_not(name: str) -> None:
    assert not DIGITS.knows(name)


def test_a_target_is_seen_if_one_of_its_digits_was() -> None:
    assert not DIGITS.seen(ABOUT, target())
    assert DIGITS.seen(ABOUT, target("digits-2678-90"))
    assert DIGITS.seen({}, target())  # of a checkpoint that does not say, nothing is believed


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("algorithm=nnshot", "nnshot is for tagging alone"),
        ("reader.pool=first", "reader.pool 'first' is unknown"),
        ("reader.input_dropout=1.0", "reader.input_dropout is 1; use 0 to below 1"),
        ("episodes.ways_low=1", "episodes.ways_low is 1; use at least 2"),
        ("episodes.ways_low=9", "episodes.ways_low is 9, above ways_high, which is 5"),
        ("episodes.query=0", "episodes.query is 0"),
        ("validation.ways=1", "validation.ways is 1"),
    ],
)
def test_settings_that_mean_nothing_are_refused(setting: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        DIGITS.check(resolve(DigitsTrainConfig, None, [setting], {}))


def cells_of(name: str, *settings: str) -> list[float]:
    """Accuracies of a method on two supports, quickly."""
    task = target()
    supports = [DIGITS.support(task, 2, draw, seed=1) for draw in range(2)]
    config = resolve(DigitsRunConfig, None, [*QUICK, *settings], {})
    model = ReaderModel(new_reader(SMALL, 0), scaling(), about=ABOUT)
    cells = METHODS.cells([name], config, supports, [0, 1], None)
    results = [METHODS.do(cell, task, lambda: DIGITS.loaded(model)) for cell in cells]
    assert [r.support_items for r in results] == [8, 8]
    return [r.score.value for r in results if r.score is not None]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("fomaml", ()), ("joint", ("tune=head",)), ("protonet", ()),
        ("joint", ("tune=prototypes",)), ("protonet", ("prototypes.tune=all",)),
        ("scratch", ()), ("neighbour", ()),
    ],
)  # fmt: skip
def test_every_method_gives_the_same_score_twice(name: str, settings: tuple[str, ...]) -> None:
    scores = cells_of(name, *settings)
    assert scores == cells_of(name, *settings)
    assert len(scores) == 2
    assert all(0 <= score <= 100 for score in scores)


def test_pictures_in_other_places_are_soon_told_apart() -> None:
    assert min(cells_of("neighbour")) > 90
    assert min(cells_of("fomaml", "adapt.min_steps=60", "adapt.lr=0.1")) > 50


def test_a_support_of_no_shots_is_the_whole_split() -> None:
    task = target()
    assert DIGITS.support(task, 0, 0, 0) == Support(tuple(task.splits["train"].places.tolist()))


def test_unknown_ways_to_tune_are_refused() -> None:
    DIGITS.check_tune("prototypes")
    with pytest.raises(UserError, match="tune 'structshot' is unknown"):
        DIGITS.check_tune("structshot")


def test_an_adapted_reader_is_saved_and_looked_at(tmp_path: Path) -> None:
    task, place = target(), tmp_path / "run" / "reader"
    support = DIGITS.support(task, 2, 0, seed=1)
    model = ReaderModel(new_reader(SMALL, 0), scaling(), about=ABOUT)
    cells = METHODS.cells(
        ["protonet"], resolve(DigitsRunConfig, None, [], {}), [support], [0], place
    )
    result = METHODS.do(cells[0], task, lambda: DIGITS.loaded(model))
    found = DIGITS.load_model(place, "reader")
    assert found.classes == task.classes
    again = DIGITS.score(DIGITS.loaded(found), task, "test")
    assert result.score is not None
    assert again.value == result.score.value
    look = DIGITS.look(place, task, "test", torch.device("cpu"))
    (picture,) = look.parts[0].pictures
    assert picture.draw(tmp_path / "c.png").stat().st_size > 5000
    assert f"{again.value:.2f}% of 48 images are right" in look.parts[0].html
    assert sum(map(sum, look.facts["confusion"]["counts"])) == 48
