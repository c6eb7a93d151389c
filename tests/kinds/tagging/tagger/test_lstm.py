"""A tagger that learns its update rule: from the settings to an adapted tagger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.config import resolve
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingCell as Cell
from fewshot_metalstm.kinds.tagging.adapt.cell import run_cell
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, TAGGER, load_model
from fewshot_metalstm.kinds.tagging.training.metatrain import meta_train
from fewshot_metalstm.kinds.tagging.training.recipe import (
    MetaTrainConfig,
    make_algorithm,
    preset,
)
from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.gates import Weights
from fewshot_metalstm.meta.make import recorded, recorded_algorithm
from fewshot_metalstm.meta.outcome import Interrupted, Progress
from fewshot_metalstm.meta.ravi import GatesConfig, LearnedOptimiser, gates_of
from fewshot_metalstm.meta.state import load_state
from fewshot_metalstm.tracked_run import NullRun
from tests.kinds.tagging.tagger.builders import CONFIG, TARGET, own, same, suite
from tests.kinds.tagging.training.test_metatrain import StopAfter, assert_same_run, train

LSTM = replace(
    CONFIG, algorithm="lstm", gates=GatesConfig(hidden=5),
    outer=replace(CONFIG.outer, steps=2, clip=0.25),
)  # fmt: skip
WEIGHTS = {f"inner.{name}" for name in Weights._fields}


class Notes(Progress):
    """Keeps what a user is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


class Figures(NullRun):
    """Keeps the figures of each step."""

    def __init__(self) -> None:
        self.logged: dict[int, dict[str, float]] = {}

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        self.logged.setdefault(step, {}).update(figures)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Notes, Figures]:
    """A run, what it said and what it logged."""
    output, notes, figures = tmp_path_factory.mktemp("lstm"), Notes(), Figures()
    meta_train(
        LSTM, suite(), output, device=torch.device("cpu"), workers=1, run=figures, progress=notes
    )
    return output, notes, figures


def test_every_tensor_is_learned(trained: tuple[Path, Notes, Figures]) -> None:
    output, notes, _ = trained
    initial = own(load_model(output / "state" / "initial").learner)
    final = load_state(output / "state" / "training.safetensors").tensors
    for name, value in initial.items():
        assert not torch.equal(value, final[f"learner.{name}"]), name
    untouched = load_model(output / "state" / "initial").learner
    make_algorithm(LSTM).prepare(untouched)
    names = {n for n, _ in untouched.named_parameters()}
    assert {f"learner.{n}" for n in names} == {n for n in final if n.startswith("learner.")}
    for name in WEIGHTS:
        assert not torch.equal(untouched.get_parameter(name), final[f"learner.{name}"]), name
    assert sum(note.startswith("the LSTM meta-learner keeps ") for note in notes.notes) == 1


def test_an_interrupted_run_ends_as_a_whole_one(
    trained: tuple[Path, Notes, Figures], tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        train(tmp_path / "run", LSTM, progress=StopAfter("outer loop", 1))
    train(tmp_path / "run", LSTM, resume=True)
    assert_same_run(tmp_path / "run", trained[0])


def test_the_gates_are_logged(trained: tuple[Path, Notes, Figures]) -> None:
    output, _, figures = trained
    learner = load_model(output / "checkpoint").learner
    wanted = {
        f"{what}/{name}/{step}" for what in ("inner_lr", "forget")
        for name in learner.adapted() for step in (1, 2)
    }  # fmt: skip
    for step in (0, 2):
        found = {k: v for k, v in figures.logged[step].items() if "/" in k}
        assert found.keys() == wanted
        assert all(0 < v < 0.1 if k.startswith("inner_lr") else 0.9 < v < 1
                   for k, v in found.items())  # fmt: skip
    assert 0 < figures.logged[1]["inner_lr"] < 0.1
    assert 0.9 < figures.logged[1]["forget"] < 1
    entries = [json.loads(line) for line in (output / "history.jsonl").read_text().splitlines()]
    assert all(wanted < entry.keys() for entry in entries if entry["phase"] == "validation")


def test_a_checkpoint_adapts_as_it_learned_to(
    trained: tuple[Path, Notes, Figures], tmp_path: Path
) -> None:
    model = load_model(trained[0] / "checkpoint", CHECKPOINT)
    gates = gates_of(model.learner)
    assert gates is not None
    assert (gates.steps, gates.clip) == (2, 5.0)
    config = AdaptConfig(averages=2, stretch=3)
    cell = Cell("lstm", 0, 0, tuple(range(12)), "basic", config, tmp_path / "tagger")
    result = run_cell(cell, model, TARGET, model.table())
    assert len(result.losses) == 2 * 3
    tagger = load_model(tmp_path / "tagger", TAGGER)
    assert gates_of(tagger.learner) is None
    plain = replace(cell, config=replace(config, optimiser="sgd"), save=None)
    assert len(run_cell(plain, model, TARGET, model.table()).losses) > 6


def test_a_checkpoint_is_read_as_it_was_written(trained: tuple[Path, Notes, Figures]) -> None:
    model = load_model(trained[0] / "checkpoint", CHECKPOINT)
    algorithm = recorded_algorithm(model.about)
    assert isinstance(algorithm, LearnedOptimiser)
    assert (algorithm.inner, algorithm.gates) == (LSTM.inner, LSTM.gates)
    again = load_model(trained[0] / "checkpoint", CHECKPOINT)
    assert same(own(model.learner), own(again.learner))
    assert own(model.learner).keys() >= WEIGHTS


def test_its_settings() -> None:
    config = resolve(MetaTrainConfig, None, [], {"algorithm": "lstm"}, preset("bionlp", "lstm"))
    assert config.outer.clip == 0.25
    assert config.outer.lr == 1e-3
    made = make_algorithm(replace(config, seed=3))
    assert made == LearnedOptimiser(config.inner, gates=GatesConfig(20), seed=3)
    assert recorded(config)["gates"] == {"hidden": 20}
    assert make_algorithm(replace(config, order=1)) == make_algorithm(config)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"order": 2}, "lstm takes no second derivatives; use --algorithm maml"),
        ({"truncate": 1}, "--truncate is for second order"),
        ({"engine": "func"}, "lstm has an inner loop of its own; leave out --engine"),
        ({"inner": InnerConfig(steps=0)}, "inner.steps is 0; lstm needs at least 1"),
        ({"gates": GatesConfig(hidden=0)}, "gates.hidden is 0; use at least 1"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        make_algorithm(replace(LSTM, **settings))  # type: ignore[arg-type]
