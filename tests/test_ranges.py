"""Ranges of settings: every setting of every kind is held to its own."""

from __future__ import annotations

import dataclasses
import json
import math
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewshot_metalstm.config import as_mapping, from_mapping, resolve
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.engines import ENGINES
from fewshot_metalstm.meta.outer import OPTIMISERS
from fewshot_metalstm.ranges import (
    FINITE,
    LARGEST,
    AtLeast1,
    NotNegative,
    Range,
    check,
    one_of,
    ranges_of,
)

KINDS = registry.names()


@dataclass(frozen=True)
class Inner:
    rate: Annotated[float, Range(above=0, below=1)] = 0.5
    name: Annotated[str, one_of("a", "b", "c")] = "a"
    plain: float = 0.0
    weight: NotNegative = 0.0


@dataclass(frozen=True)
class Outer:
    steps: AtLeast1 = 5
    limit: Annotated[int | None, Range(least=2, most=4)] = None
    shots: Annotated[tuple[int, ...], Range(least=0)] = ()
    rates: tuple[float, ...] = ()
    inner: Inner = field(default_factory=Inner)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Range(least=1), "at least 1"),
        (Range(above=0), "more than 0"),
        (Range(most=1.5), "at most 1.5"),
        (Range(below=1), "below 1"),
        (Range(least=0, most=180.0), "0 to 180"),
        (Range(least=0, below=1), "0 to below 1"),
        (Range(above=0, most=1), "more than 0, at most 1"),
        (Range(least=0, most=2**63 - 1), "0 to 9223372036854775807"),
        (Range(), "a finite number"),
        (one_of("a"), "a"),
        (one_of("a", "b"), "a or b"),
        (one_of("a", "b", "c"), "a, b or c"),
    ],
)
def test_ranges_in_words(settings: Range, words: str) -> None:
    assert settings.words() == words


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("steps=0", "--set: steps is 0; use at least 1"),
        (f"steps={LARGEST + 1}", "--set: steps is 1000000001; use at most 1000000000"),
        ("limit=5", "--set: limit is 5; use 2 to 4"),
        ("shots=[1, -3]", "--set: shots holds -3; use at least 0"),
        ("rates=[1, .nan]", "--set: rates holds nan; use a finite number"),
        ("inner.rate=0", "--set: inner.rate is 0; use more than 0, below 1"),
        ("inner.rate=1", "--set: inner.rate is 1; use more than 0, below 1"),
        ("inner.rate=.nan", "--set: inner.rate is nan; use more than 0, below 1"),
        ("inner.weight=.inf", "--set: inner.weight is inf; use a finite number, at least 0"),
        ("inner.weight=-1", "--set: inner.weight is -1; use at least 0"),
        ("inner.plain=1e400", "--set: inner.plain is inf; use a finite number"),
        ("inner.plain=-.inf", "--set: inner.plain is -inf; use a finite number"),
        ("inner.plain=1" + 400 * "0", "--set: inner.plain is inf; use a finite number"),
        ("inner.name=d", "--set: inner.name 'd' is unknown; use a, b or c"),
    ],
)
def test_what_is_outside_is_refused_in_one_line(override: str, line: str) -> None:
    with pytest.raises(UserError) as caught:
        resolve(Outer, None, [override], {})
    assert str(caught.value) == line


def test_what_is_inside_is_taken() -> None:
    given = ("limit=2", "shots=[0]", "rates=[1, 1e-3]", "inner.rate=0.999", "inner.name=c")
    found = resolve(Outer, None, given, {"steps": LARGEST})
    assert found == Outer(LARGEST, 2, (0,), (1.0, 0.001), Inner(0.999, "c"))
    assert resolve(Outer, None, ["limit=null"], {}).limit is None


def test_files_options_and_stored_mappings_are_held_to_them_too(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("inner:\n  rate: 2\n")
    with pytest.raises(UserError, match=r"a\.yaml: inner\.rate is 2; use more than 0, below 1"):
        resolve(Outer, file, [], {})
    with pytest.raises(UserError, match="option: steps is 0; use at least 1"):
        resolve(Outer, None, [], {"steps": 0})
    with pytest.raises(UserError, match="there: steps is -1"):
        from_mapping(Outer, {"steps": -1}, "there")


def test_a_config_that_a_program_built() -> None:
    check(Outer())
    with pytest.raises(UserError, match=r"^mine\.inner\.rate is 3; use more than 0, below 1$"):
        check(Outer(inner=Inner(rate=3.0)), "mine")


@given(st.floats(), st.integers(-100, 100), st.integers(0, 100))
def test_a_range_holds_what_is_between_its_ends(value: float, low: int, more: int) -> None:
    high = low + more
    inside = math.isfinite(value) and low <= value <= high
    assert Range(least=low, most=high).holds(value) == inside
    strictly = math.isfinite(value) and low < value < high
    assert Range(above=low, below=high).holds(value) == strictly


def numbers(kind: type[Any], prefix: str = "") -> Iterator[tuple[str, Any, Range | None]]:
    """Name, type and range of each setting that a dataclass has, its sections' too."""
    ranges = ranges_of(kind)
    for name, hint in typing.get_type_hints(kind).items():
        if dataclasses.is_dataclass(hint):
            yield from numbers(typing.cast(type[Any], hint), f"{prefix}{name}.")
        else:
            yield prefix + name, hint, ranges.get(name)


def commands(kind: str) -> Iterator[tuple[type[Any], str, Any, Range | None]]:
    """Every setting of a kind, those that several commands share once."""
    seen: set[tuple[str, Any, Range | None]] = set()
    for settings in registry.kind(kind).settings().values():
        for name, hint, own in numbers(settings):
            if (name, hint, own) not in seen:
                seen.add((name, hint, own))
                yield settings, name, hint, own


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_has_a_range(kind: str) -> None:
    bare = [
        name
        for _, name, hint, own in commands(kind)
        if {int, float} & {hint, *typing.get_args(hint)} and own in (None, FINITE)
    ]
    # Offsets, biases and what scales start at may be any number.
    assert {name.rpartition(".")[2] for name in bare} == {"offset", "forget_bias", "scale_start"}


def outside(own: Range, hint: Any) -> Iterator[Any]:
    if own.choices:
        yield "none-of-them"
        return
    kinds = {hint, *typing.get_args(hint)}
    small = 1 if int in kinds else 1e-9
    for end, way in ((own.least, -small), (own.most, small)):
        if end is not None:
            yield end + way
            yield end + way * 10**6
    yield from (end for end in (own.above, own.below) if end is not None)
    if int in kinds:
        yield (own.most or LARGEST) + 1
        yield 10**5000
    else:
        yield from (math.nan, math.inf, -math.inf, 10**400)


def inside(own: Range, hint: Any) -> Iterator[Any]:
    if own.choices:
        yield from own.choices
        return
    whole = int in {hint, *typing.get_args(hint)}
    yield from (end for end in (own.least, own.most) if end is not None)
    if own.above is not None:
        yield own.above + 1e-9
    if own.below is not None:
        yield own.below - 1e-9
    if own.most is None and own.below is None:
        yield LARGEST if whole else 1e300


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_is_held_to_its_range(kind: str) -> None:
    tried = 0
    for settings, name, hint, own in commands(kind):
        if own is None:
            continue
        tried += 1
        several = typing.get_origin(hint) is tuple
        for value in outside(own, hint):
            with pytest.raises(UserError, match=rf"option: {name} .*; use ") as caught:
                resolve(settings, None, [], {name: [value] if several else value})
            assert "\n" not in str(caught.value)
        for value in inside(own, hint):
            found: Any = resolve(settings, None, [], {name: [value] if several else value})
            for part in name.split("."):
                found = getattr(found, part)
            assert found == ((value,) if several else value)
    assert tried > 50


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_and_presets_are_inside(kind: str) -> None:
    for settings in registry.kind(kind).settings().values():
        check(settings())
        stored = json.loads(json.dumps(as_mapping(settings())))
        assert from_mapping(settings, stored, "stored") == settings()


def test_choices_are_what_there_is() -> None:
    assert ranges_of(TrainingConfig)["engine"].choices == tuple(ENGINES)
    outer = typing.get_type_hints(TrainingConfig)["outer"]
    assert ranges_of(outer)["optimiser"].choices == tuple(OPTIMISERS)


@pytest.mark.parametrize("older", ["generated", "plain"])
def test_older_names_of_cells_are_still_read(older: str) -> None:
    settings = registry.kind("tagging").training_settings()
    resolve(settings, None, [f"tagger.lstm.kind={older}"], {})


REFUSED = {
    "adapt": [
        "adapt.lr=-1", "adapt.lr=1e400", "adapt.batch=0", "adapt.batch=-3", "adapt.epochs=-1",
        "adapt.momentum=2", "draws=0", "shots=-3", "seed=-1",
    ],
    "meta-train": [
        "tagger.lstm.hidden=0", "tagger.lstm.hidden=-1", "tagger.filters=-1", "tagger.lstm.z=0",
        "tagger.word_dropout=2", "vectors.size=-5", "vectors.size=0", "vectors.buckets=0",
        "vectors.buckets=-1", "vectors.epochs=0", "vectors.window=0", "seed=-1", "outer.steps=-1",
        "inner.lr=.nan", "outer.lr=.inf",
    ],
    "sweep": ["draws=[-1]", "shots=[-3]", "scratch.batch=0"],
    "train": ["train.batch=0", "tagger.lstm.hidden=0", "lexicon=[2, .nan]"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("command", "setting"), [(c, each) for c, settings in REFUSED.items() for each in settings]
)
def test_what_was_taken_or_ended_in_a_traceback(command: str, setting: str) -> None:
    name = setting.partition("=")[0]
    with pytest.raises(UserError, match=rf"^--set: {name} (is|holds) .*; use ") as caught:
        resolve(registry.kind("tagging").settings()[command], None, [setting], {})
    assert "\n" not in str(caught.value)
