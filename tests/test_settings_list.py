"""The list of settings: it says what the dataclasses say, once each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pytest

from fewshot_metalstm.config import flat
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.ranges import AtLeast1
from fewshot_metalstm.settings_list import Setting, sections, settings, type_words


@dataclass(frozen=True)
class Rates:
    """A section."""

    lr: float = 0.1  # learning rate


@dataclass(frozen=True)
class First:
    """Settings of one command."""

    rates: Rates = field(default_factory=Rates)
    steps: int = 3  # how many


@dataclass(frozen=True)
class Second:
    """Settings of another."""

    steps: AtLeast1 = 4  # how many
    rates: Rates = field(default_factory=Rates)


def test_what_is_the_same_in_two_commands_stands_once() -> None:
    assert settings({"one": First, "two": Second}) == [
        Setting("steps", ("one",), "integer", 3, "how many"),
        Setting("rates.lr", ("one", "two"), "number", 0.1, "learning rate", "a finite number"),
        Setting("steps", ("two",), "integer", 4, "how many", "at least 1"),
    ]


def test_a_section_or_a_single_setting() -> None:
    every = settings({"one": First})
    assert settings({"one": First}, "rates") == every[1:]
    assert settings({"one": First}, "rates.lr") == every[1:]
    assert sections(every) == ["rates"]
    with pytest.raises(UserError, match="no section 'rate'; did you mean rates"):
        settings({"one": First}, "rate")
    with pytest.raises(UserError, match="no section 'zzz'; use rates"):
        settings({"one": First}, "zzz")


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int, "integer"),
        (bool, "true or false"),
        (tuple[str, ...], "list of texts"),
        (int | None, "integer or null"),
        (Literal["a", "b"], "a or b"),
    ],
)
def test_types_in_words(hint: object, words: str) -> None:
    assert type_words(hint) == words


@pytest.mark.parametrize("name", registry.names())
def test_every_setting_of_a_kind_says_what_it_means(name: str) -> None:
    commands = registry.kind(name).settings()
    found = settings(commands)
    assert {s.name for s in found} == {n for kind in commands.values() for n in flat(kind())}
    assert [s.name for s in found if not s.meaning] == []
