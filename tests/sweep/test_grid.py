"""The grid of a sweep."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.config import from_mapping
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.kind import DIGITS
from fewshot_metalstm.kinds.tagging.adapt.settings import SweepConfig
from fewshot_metalstm.kinds.tagging.kind import TAGGING
from fewshot_metalstm.sweep.grid import (
    Entry,
    Key,
    distinct,
    entries,
    grid,
    names,
    needs_checkpoint,
    numbers,
)


def test_every_combination_once_in_order() -> None:
    config = SweepConfig(targets=("a",), shots=(10, 50), methods=("scratch", "meta"), draws=(0, 2))
    cells = grid(TAGGING, config, ("x", "y"))
    assert len(cells) == len(set(cells)) == 16
    assert cells[:3] == (
        Key("x", 10, "scratch", 0), Key("x", 10, "scratch", 2), Key("x", 10, "meta", 0),
    )  # fmt: skip
    assert len({key.name for key in cells}) == 16
    assert Key("a/b", 5, "meta", 1).name == "a_b-5-meta-1"


def test_numbers_and_names() -> None:
    assert numbers("0-2, 7,1", "--draws") == (0, 1, 2, 7)
    assert names("a, b,a", "--targets") == ("a", "b")
    for text in ("", "x", "3-1", "1-", "-1", "0-99999"):
        with pytest.raises(UserError, match=r"--draws .*write for example"):
            numbers(text, "--draws")
    with pytest.raises(UserError, match="names nothing"):
        names(" ,", "--targets")
    with pytest.raises(UserError, match="method 'anil' is unknown; use meta, scratch"):
        grid(TAGGING, SweepConfig(targets=("a",), shots=(1,), methods=("anil",)), ("a",))


def test_checkpoints_under_names_of_their_own() -> None:
    found = entries(
        TAGGING, ("fomaml=runs/a b", "scratch", " joint = runs/joint/checkpoint", "crf", "meta")
    )
    assert found == (
        Entry("fomaml", Path("runs/a b")), Entry("scratch", baseline=True),
        Entry("joint", Path("runs/joint/checkpoint")), Entry("crf", baseline=True), Entry("meta"),
    )  # fmt: skip
    assert [entry.baseline for entry in found] == [False, True, False, True, False]
    config = SweepConfig(targets=("a",), shots=(5,), methods=("b=x", "crf"), draws=(0,))
    assert grid(TAGGING, config, ("a",)) == (Key("a", 5, "b", 0), Key("a", 5, "crf", 0))


def test_a_checkpoint_with_a_tuning_of_its_own() -> None:
    found = entries(TAGGING, ("a=x", "b= x :tune=head", "c=x:tune= all"))
    assert [(entry.name, entry.checkpoint, entry.tune) for entry in found] == [
        ("a", Path("x"), None), ("b", Path("x"), "head"), ("c", Path("x"), "all")
    ]  # fmt: skip
    assert not any(entry.unlabelled for entry in found)
    both = entries(TAGGING, ("a=x:unlabelled=train :tune=head", "b=C:/x:tune=all:unlabelled=train"))
    assert [(entry.checkpoint, entry.tune, entry.unlabelled) for entry in both] == [
        (Path("x"), "head", True), (Path("C:/x"), "all", True)
    ]  # fmt: skip
    with pytest.raises(UserError, match="write :unlabelled=train"):
        entries(TAGGING, ("a=x:unlabelled=notes.txt",))
    taught = entries(TAGGING, ("a=x:teacher=C:/t:tune=head",))[0]
    assert (taught.checkpoint, taught.teacher, taught.tune) == (Path("x"), "C:/t", "head")
    assert taught.unlabelled
    with pytest.raises(UserError, match=":teacher= names no folder"):
        entries(TAGGING, ("a=x:teacher=",))
    with pytest.raises(UserError, match="digits makes no use of :teacher="):
        entries(DIGITS, ("a=x:teacher=t",))
    for tune in ("heads", ""):
        with pytest.raises(UserError, match=f"tune '{tune}' is unknown; use auto, basic"):
            entries(TAGGING, (f"a=x:tune={tune}",))


@pytest.mark.parametrize(
    "method",
    ["scratch=runs/a", "meta=runs/a", "=runs/a", "a/b=runs", "a=", "a=:tune=all", "meta:tune=all"],
)
def test_names_that_cannot_be(method: str) -> None:
    with pytest.raises(UserError, match="write NAME=CHECKPOINT"):
        entries(TAGGING, (method,))


def test_a_name_given_twice() -> None:
    with pytest.raises(UserError, match="method 'a' is named twice"):
        entries(TAGGING, ("a=x", "a=y"))


def test_which_methods_need_a_checkpoint() -> None:
    assert needs_checkpoint(TAGGING, ("meta", "a=x"))
    assert needs_checkpoint(TAGGING, ("scratch",))
    assert not needs_checkpoint(TAGGING, ("scratch", "a=x", "crf"))
    assert not needs_checkpoint(TAGGING, ("crf",))


def test_every_number_of_shots_and_draw_is_used_once() -> None:
    config = distinct(SweepConfig(targets=("a",), shots=(2, 5, 2), draws=(1, 0, 0)))
    assert (config.shots, config.draws) == ((2, 5), (1, 0))


@pytest.mark.parametrize("axis", ["shots", "methods", "draws"])
def test_an_axis_without_anything_is_refused(axis: str) -> None:
    with pytest.raises(UserError, match=f"^{axis} is empty.*; give --{axis}$"):
        distinct(from_mapping(SweepConfig, {axis: []}, "--set"))
