"""A learned adaptation policy: which recipe suits a support, by what is measured on it alone.

One recipe cannot suit all targets. What is like a source task is adapted best by small steps from
what the sources taught; what is like none of them is not reached by these. A checkpoint may hold a
**policy**: some recipes, and rules that choose one by **signals** of the support, before anything
is tuned. The rules are a decision list (Rivest, "Learning Decision Lists", Machine Learning 1987):
the first whose conditions all hold names the recipe. They are learned elsewhere, on tasks that no
figure is reported on; here they are read and followed.

Like the rest of the core this knows no kind of task. A kind that offers policies measures signals
under names of its own, keeps the policy beside its checkpoint's weights (:data:`FILE`), and gives
:class:`~fewshot_metalstm.adapt.work.Start` the settings and the choice.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.config import from_mapping
from fewshot_metalstm.errors import UserError, at

FILE = "policy.json"  # in a checkpoint's folder
FORMAT = "fewshot-metalstm policy 3"
# 1 has no recipe that is a mean, 2 none of more than two others, or with settings or weights. 4 has
# recipes that adapt another start than the first, and is written where there is one.
_STARTS = "fewshot-metalstm policy 4"
_FORMATS = ("fewshot-metalstm policy 1", "fewshot-metalstm policy 2", FORMAT, _STARTS)
AUTO = "auto"  # what the policy chooses, if there is one and no setting of adapt was given
NONE = "none"  # no recipe: the settings as they are
_ENDS = ("least", "below")
_HEAVIEST = 1e6  # weight in a mean


@dataclass(frozen=True)
class Recipe:
    """A way to adapt.

    Attributes:
        settings: fields of :class:`~fewshot_metalstm.adapt.finetune.AdaptConfig` that it changes;
            those of a mean are of each of its parts, over what the part changes itself.
        anew: by group of parameters, the share of fresh weights that it begins with, 0 to 1: 1
            forgets the checkpoint's, 0.5 is the mean of both. The kind says which groups it has.
        mean: names of two other recipes or more: what is adapted by each, put together as one
            model whose scores are the mean of theirs. Such a recipe begins nothing anew itself.
        weights: how much each of these counts, in relation to the others; all alike without.
        start: which of a checkpoint's starts it adapts, where there are several; 0 is the first,
            and a mean has none of its own.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    anew: Mapping[str, float] = field(default_factory=dict)
    mean: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    start: int = 0

    def applied(self, config: AdaptConfig) -> AdaptConfig:
        """``config`` with what the recipe changes."""
        return dataclasses.replace(config, **self.settings)


def given_by_user(config: AdaptConfig) -> dict[str, Any]:
    """The settings that are not the default: what a user says goes, whatever a recipe has.

    A default that was asked for in so many words cannot be told from one that was left alone.
    """
    return {
        each.name: getattr(config, each.name)
        for each in dataclasses.fields(config)
        if getattr(config, each.name) != each.default
    }


@dataclass(frozen=True)
class Condition:
    """That a signal is at least, or below, a bound."""

    signal: str
    least: float = -math.inf
    below: float = math.inf

    def holds(self, signals: Mapping[str, float]) -> bool:
        """Whether it does; a signal that was not measured is 0."""
        return self.least <= signals.get(self.signal, 0.0) < self.below

    def words(self, signals: Mapping[str, float]) -> str:
        """The signal with its bounds, as a reader is told: ``shots 50 (at least 20)``."""
        ends = ((self.least, "at least"), (self.below, "below"))
        bounds = ", ".join(f"{word} {end:g}" for end, word in ends if math.isfinite(end))
        return f"{self.signal} {signals.get(self.signal, 0.0):.3g} ({bounds})"


@dataclass(frozen=True)
class Rule:
    """The recipe of supports for which all conditions hold."""

    recipe: str
    when: tuple[Condition, ...]


@dataclass(frozen=True)
class Choice:
    """What was chosen, and why, in one line; ``signals`` are what was measured."""

    recipe: str
    why: str
    signals: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As reports have it."""
        return {"recipe": self.recipe, "why": self.why, "signals": dict(self.signals)}


@dataclass(frozen=True)
class Policy:
    """Recipes by name, and the rules that choose among them.

    Attributes:
        usual: the recipe where no rule holds.
        learned: how the rules came about, for a reader: tasks, checkpoint, cells.
    """

    recipes: Mapping[str, Recipe]
    usual: str
    rules: tuple[Rule, ...] = ()
    learned: Mapping[str, Any] = field(default_factory=dict)

    @property
    def starts(self) -> int:
        """How many starts a checkpoint has to have for all recipes."""
        return 1 + max(recipe.start for recipe in self.recipes.values())

    def for_starts(self, count: int) -> Policy:
        """The same rules for a checkpoint of so many starts: each is adapted by what is chosen.

        Of every recipe there is one for each start, ``gentle-1``, ``gentle-2`` and so on, and what
        had its name is the mean of these. A policy that knows of several starts stays as it is.
        """
        if count == 1 or self.starts > 1:
            return self
        numbers = range(count)
        plain = {
            f"{name}-{number + 1}": dataclasses.replace(recipe, start=number)
            for name, recipe in self.recipes.items() if not recipe.mean for number in numbers
        }  # fmt: skip
        means = {
            name: dataclasses.replace(
                recipe if recipe.mean else Recipe(),
                mean=tuple(f"{one}-{i + 1}" for one in recipe.mean or (name,) for i in numbers),
                weights=tuple(weight for weight in recipe.weights for _ in numbers),
            )
            for name, recipe in self.recipes.items()
        }
        return dataclasses.replace(self, recipes={**means, **plain})

    def choose(self, signals: Mapping[str, float]) -> Choice:
        """The recipe that suits a support with these signals."""
        for rule in self.rules:
            if all(condition.holds(signals) for condition in rule.when):
                why = ", ".join(condition.words(signals) for condition in rule.when)
                return Choice(rule.recipe, why or "the rule for all supports", signals)
        measured = ", ".join(f"{name} {value:.3g}" for name, value in signals.items())
        return Choice(self.usual, f"no other suits {measured}", signals)

    def named(self, name: str) -> Choice:
        """The choice of a recipe that the user names; :class:`UserError` if there is none."""
        if name not in self.recipes:
            known = ", ".join((AUTO, NONE, *self.recipes))
            raise UserError(f"recipe {name!r} is unknown; use {known}")
        return Choice(name, "as it was asked for")

    def as_dict(self) -> dict[str, Any]:
        """As :data:`FILE` has it; see :func:`read_policy`."""
        return {
            "format": _STARTS if self.starts > 1 else FORMAT,
            "usual": self.usual,
            "recipes": {name: _stored(each) for name, each in self.recipes.items()},
            "rules": [
                {"recipe": rule.recipe, "when": {c.signal: _bounds(c) for c in rule.when}}
                for rule in self.rules
            ],
            "learned": dict(self.learned),
        }


def _stored(recipe: Recipe) -> dict[str, Any]:
    """As the file has it: without a start that is the first, so that older versions read it."""
    found = dataclasses.asdict(recipe)
    if not recipe.start:
        del found["start"]
    return found


def _bounds(condition: Condition) -> dict[str, float]:
    found = {end: getattr(condition, end) for end in _ENDS}
    return {end: value for end, value in found.items() if math.isfinite(value)}


def load_policy(path: Path) -> Policy:
    """The policy in a file; a :class:`UserError` if there is none, or as :func:`read_policy`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise at(path, None, "cannot be read", "give the file of a policy") from None
    return read_policy(text, str(path))


def read_policy(text: str, place: str) -> Policy:
    """The policy in a file that :meth:`Policy.as_dict` was written to as JSON.

    Args:
        text: of the file.
        place: where it is, for messages.

    Raises:
        UserError: another format, or something in it that cannot be.
    """
    try:
        stored = json.loads(text)
        if stored["format"] not in _FORMATS:
            raise ValueError(f"its format is not {FORMAT!r}")
        recipes = {name: _recipe(name, each) for name, each in stored["recipes"].items()}
        rules = tuple(_rule(each) for each in stored["rules"])
        learned = stored.get("learned", {})
        if not isinstance(learned, dict) or not isinstance(stored["usual"], str):
            raise ValueError("what is learned is no mapping, or the usual recipe no name")
        policy = Policy(recipes, stored["usual"], rules, learned)
        for name in (policy.usual, *(rule.recipe for rule in rules)):
            if name not in recipes:
                raise ValueError(f"there is no recipe {name!r}")
        for name, recipe in recipes.items():
            if name in (AUTO, NONE):
                raise ValueError(f"a recipe cannot be called {name}")
            if recipe.mean and (recipe.anew or recipe.start or not _several(recipe, recipes)):
                raise ValueError(f"the recipe {name!r} is not the mean of others")
            if len(recipe.weights) not in (0, len(recipe.mean)) or not all(
                0 < weight <= _HEAVIEST for weight in recipe.weights
            ):
                raise ValueError(f"the recipe {name!r} has no weight above 0 for each of its mean")
    except (
        LookupError, TypeError, ValueError, AttributeError, RecursionError, UserError
    ) as problem:  # fmt: skip
        reason = str(problem)
        if isinstance(problem, KeyError):
            reason = f"{problem} is missing"
        elif not isinstance(problem, (UserError, ValueError)):  # Python's words for it
            reason = "its parts are not where a policy has them"
        raise UserError(f"{place}: is no policy ({reason}); give one that was learned") from None
    return policy


def _recipe(name: str, stored: Mapping[str, Any]) -> Recipe:
    anew = {group: float(share) for group, share in stored["anew"].items()}
    if not all(0 <= share <= 1 for share in anew.values()):
        raise ValueError("a share of fresh weights is not from 0 to 1")
    weights = tuple(float(weight) for weight in stored.get("weights", ()))
    start = stored.get("start", 0)
    if type(start) is not int or start < 0:
        raise ValueError("a start is no whole number from 0")
    settings = dict(stored["settings"])
    # A recipe holds what it changes; the whole is made here to have that checked.
    from_mapping(AdaptConfig, settings, f"recipe {name!r}")
    return Recipe(settings, anew, tuple(stored.get("mean", ())), weights, start)


def _several(recipe: Recipe, recipes: Mapping[str, Recipe]) -> bool:
    """Whether it names two recipes or more, each once, that are no means themselves."""
    plain = {name for name, each in recipes.items() if not each.mean}
    return 2 <= len(set(recipe.mean)) == len(recipe.mean) and set(recipe.mean) <= plain


def _rule(stored: Mapping[str, Any]) -> Rule:
    conditions = []
    for signal, bounds in stored["when"].items():
        if not bounds or not set(bounds) <= set(_ENDS):
            raise ValueError(f"a condition on {signal} is not of {' and '.join(_ENDS)}")
        condition = Condition(signal, **{end: float(bounds[end]) for end in bounds})
        if not condition.least < condition.below:
            raise ValueError(f"no {signal} is at least {condition.least:g} and below "
                             f"{condition.below:g}")  # fmt: skip
        conditions.append(condition)
    return Rule(stored["recipe"], tuple(conditions))
