"""Tests of what sources of several kinds have in common, with a kind that is made up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.figure import Figure
from fewshot_metalstm.kinds.suite_source import SuiteSource
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.meta.pool import EpisodeSource, Validator
from fewshot_metalstm.meta.source import JointSource

SILENT = Progress()


@dataclass(frozen=True)
class Sizes:
    hidden: int = 3


@dataclass(frozen=True)
class Validation:
    episodes: int = 2


@dataclass(frozen=True)
class Config(TrainingConfig):
    sizes: Sizes = field(default_factory=Sizes)
    validation: Validation = field(default_factory=Validation)


@dataclass(frozen=True)
class Model:
    learner: Any
    about: Mapping[str, Any] = field(default_factory=dict)


class MadeUp(SuiteSource[Model]):
    figure = Figure("error", "error", "error", "points", better="lower")
    section = "sizes"
    items = "things"

    def made(self, progress: Progress) -> Model:
        return Model(SimpleNamespace(config=self.config.sizes))

    def read(self, folder: Path, role: str | None = None) -> Model:
        found = json.loads((folder / "config.json").read_text())
        assert role in (None, "checkpoint")
        return Model(SimpleNamespace(config=Sizes(found["hidden"])), found["about"])

    def write(self, model: Model, folder: Path) -> None:
        folder.mkdir(parents=True)
        found = {"hidden": model.learner.config.hidden, "about": dict(model.about)}
        (folder / "config.json").write_text(json.dumps(found, default=str))

    def use(self, model: Model, device: torch.device) -> None:
        raise NotImplementedError

    def joint(self) -> JointSource:
        raise NotImplementedError

    def episodes(self) -> EpisodeSource:
        raise NotImplementedError

    def validator(self) -> Validator:
        found: Any = "a validator"
        return found  # type: ignore[no-any-return]


def suite(*names: str, validation: tuple[str, ...] = ()) -> Any:
    def tasks(chosen: tuple[str, ...]) -> list[Any]:
        return [
            SimpleNamespace(
                name=name, family=f"{name} family",
                digests={"train": f"digest of {name}"}, sizes={"train": 7},
            )
            for name in chosen
        ]  # fmt: skip

    return SimpleNamespace(
        name="made up", synthetic=False, train=tasks(names), validation=tasks(validation),
        report=SimpleNamespace(targets=("held out",)),
    )  # fmt: skip


def test_what_is_saved_says_where_it_comes_from(tmp_path: Path) -> None:
    source = MadeUp(Config(algorithm="joint", seed=4), suite("a", "b"))
    source.save(source.fresh(SILENT), tmp_path / "new", about={"step": 5}, heads={})
    found = source.load(tmp_path / "new")
    assert found.learner.config == Sizes()
    assert found.about["tasks"] == ["a", "b"]
    assert found.about["families"] == ["a family", "b family"]
    assert found.about["targets_excluded"] == ["held out"]
    assert (found.about["seed"], found.about["step"]) == (4, 5)


@pytest.mark.parametrize(
    ("algorithm", "names", "hidden", "problem"),
    [
        ("joint", ("a", "b"), 3, None),
        ("maml", ("a", "b"), 3, "not of joint training"),
        ("joint", ("a",), 3, "other tasks"),
        ("joint", ("a", "b"), 4, "other settings of the section sizes"),
    ],
)
def test_a_start_has_the_tasks_and_sizes_of_the_run(
    algorithm: str, names: tuple[str, ...], hidden: int, problem: str | None, tmp_path: Path
) -> None:
    first = MadeUp(Config(algorithm=algorithm, seed=1, sizes=Sizes(hidden)), suite(*names))
    first.save(first.fresh(SILENT), tmp_path / "run" / "checkpoint", about={}, heads={})
    second = MadeUp(Config(algorithm="maml", start=str(tmp_path / "run")), suite("a", "b"))
    if problem is None:
        made = second.fresh(SILENT)
        assert made.learner.config == Sizes(3)
        assert made.about["algorithm"] == "maml"
    else:
        with pytest.raises(UserError, match=problem):
            second.fresh(SILENT)


def test_meta_validation_needs_tasks_and_episodes() -> None:
    none = Config(validation=Validation(0))
    assert MadeUp(Config(), suite("a", validation=("b",))).validation() is not None
    assert MadeUp(Config(), suite("a")).validation() is None
    assert MadeUp(none, suite("a", validation=("b",))).validation() is None


def test_facts_name_every_split_with_its_digest() -> None:
    assert MadeUp(Config(), suite("a", validation=("b",))).facts() == {
        "the train tasks": "a", "a/train": "digest of a (7 things)",
        "the validation tasks": "b", "b/train": "digest of b (7 things)",
    }  # fmt: skip
