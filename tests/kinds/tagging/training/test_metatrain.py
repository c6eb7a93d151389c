"""Meta-training on a tiny suite: whatever happens to a run, its numbers are the same."""

from __future__ import annotations

import json
import math
import signal
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.episodes.load import LoadedSuite
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, load_model
from fewshot_metalstm.kinds.tagging.training.metatrain import meta_train
from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig
from fewshot_metalstm.meta import driver
from fewshot_metalstm.meta.outcome import Interrupted, MetaTrainResult, Progress
from fewshot_metalstm.meta.pool import EpisodePool
from fewshot_metalstm.meta.ranks import RankLost
from fewshot_metalstm.meta.state import State, load_state, save_state
from tests.kinds.tagging.tagger.builders import CONFIG, digests, own, same, suite

SUITE = suite()


class StopAfter(Progress):
    """Sends this process a signal after some steps of a phase, and notes what it is told."""

    def __init__(self, phase: str = "", step: int = 0) -> None:
        self.wanted = (phase, step)
        self.current = ""
        self.phases: list[tuple[str, int, int]] = []
        self.steps: dict[str, list[int]] = {}
        self.notes: list[str] = []

    def phase(self, name: str, total: int, done: int = 0) -> None:
        self.current = name
        self.phases.append((name, total, done))

    def advance(self, done: int, figures: Mapping[str, float]) -> None:
        self.steps.setdefault(self.current, []).append(done)
        if (self.current, done) == self.wanted:
            signal.raise_signal(signal.SIGTERM)

    def note(self, text: str) -> None:
        self.notes.append(text)


def train(
    output: Path,
    config: MetaTrainConfig = CONFIG,
    *,
    resume: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
    given: LoadedSuite = SUITE,
) -> MetaTrainResult:
    return meta_train(
        config, given, output, device=torch.device("cpu"), workers=workers, resume=resume,
        progress=progress,
    )  # fmt: skip


def history(output: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (output / "history.jsonl").read_text().splitlines()]


def final_weights(output: Path) -> dict[str, torch.Tensor]:
    return dict(load_state(output / "state" / "training.safetensors").tensors)


def assert_same_run(a: Path, b: Path) -> None:
    assert (a / "history.jsonl").read_text() == (b / "history.jsonl").read_text()
    assert same(final_weights(a), final_weights(b))
    assert digests(a / "checkpoint") == digests(b / "checkpoint")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupts."""
    output = tmp_path_factory.mktemp("whole")
    train(output)
    return output


def test_what_a_run_leaves(whole: Path) -> None:
    assert {f.name for f in whole.iterdir()} == {
        "config.yaml", "history.jsonl", "state", "checkpoint"
    }  # fmt: skip
    entries = history(whole)
    phases = [(entry["phase"], entry["step"]) for entry in entries]
    assert phases == [
        *(("joint", step) for step in (1, 2, 3, 4)),
        ("validation", 0),
        ("outer", 1), ("outer", 2), ("validation", 2), ("outer", 3), ("outer", 4),
        ("validation", 4),
    ]  # fmt: skip
    model = load_model(whole / "checkpoint", CHECKPOINT)
    scored = {entry["step"]: entry["f1"] for entry in entries if entry["phase"] == "validation"}
    best = max(scored.values(), key=lambda f1: float(str(f1)))
    assert model.about["validation_f1"] == best
    assert scored[model.about["outer_step"]] == best
    assert model.about["families"] == ["alpha-family", "beta-family", "gamma-family"]
    assert model.about["targets_excluded"] == ["goal"]
    assert set(model.about["corpora"]) == {"alpha", "beta", "gamma"}
    assert model.types == ()


def test_every_tensor_was_learned(whole: Path) -> None:
    initial = own(load_model(whole / "state" / "initial").learner)
    final = final_weights(whole)
    for name, value in initial.items():
        assert not torch.equal(value, final[f"learner.{name}"]), name


@pytest.mark.parametrize(
    ("phase", "step"),
    [
        ("joint training", 1),
        ("joint training", 3),
        ("joint training", 4),
        ("outer loop", 1),
        ("outer loop", 2),
        ("outer loop", 3),
    ],
)
def test_resumed_equals_uninterrupted(tmp_path: Path, whole: Path, phase: str, step: int) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted, match="is saved, add --resume") as caught:
        train(tmp_path, progress=StopAfter(phase, step))
    assert caught.value.signal == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before
    tracker = StopAfter()
    result = train(tmp_path, resume=True, progress=tracker)
    assert result.outer_steps == 4
    assert_same_run(tmp_path, whole)
    if phase == "outer loop":
        assert tracker.phases == [("outer loop", 4, step)]
    else:
        assert tracker.phases == [("joint training", 4, step), ("outer loop", 4, 0)]


def test_a_run_interrupted_again_and_again(tmp_path: Path, whole: Path) -> None:
    for i, place in enumerate(
        [("joint training", 2), ("joint training", 3), ("outer loop", 1), ("outer loop", 3)]
    ):
        with pytest.raises(Interrupted):
            train(tmp_path, resume=i > 0, progress=StopAfter(*place))
    train(tmp_path, resume=True)
    assert_same_run(tmp_path, whole)


def test_a_crash_between_two_saves_costs_steps_and_no_numbers(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The history runs ahead of the state by what a crash loses: it is cut and written again."""

    class Crash(Progress):
        current = ""

        def phase(self, name: str, total: int, done: int = 0) -> None:
            self.current = name

        def advance(self, done: int, figures: Mapping[str, float]) -> None:
            if (self.current, done) == ("outer loop", 3):
                raise MemoryError
            if (self.current, done) == ("outer loop", 1):
                # Save after this step, as when a minute has gone by.
                monkeypatch.setattr(driver, "SAVE_SECONDS", -1.0)
            else:
                monkeypatch.setattr(driver, "SAVE_SECONDS", 1e9)

    with pytest.raises(MemoryError):
        train(tmp_path, progress=Crash())
    assert (
        len(history(tmp_path))
        > load_state(tmp_path / "state" / "training.safetensors").record["lines"]
    )
    monkeypatch.undo()
    tracker = StopAfter()
    train(tmp_path, resume=True, progress=tracker)
    assert tracker.phases == [("outer loop", 4, 1)]
    assert_same_run(tmp_path, whole)


@pytest.mark.parametrize(
    ("method", "call", "done"),
    [("validate", 0, 0), ("step", 2, 2), ("mean", 2, 2), ("validate", 1, 2), ("validate", 2, 4)],
)
def test_a_lost_rank_costs_no_step_and_no_validation(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, method: str, call: int, done: int
) -> None:
    """The exchange breaks in the ``call``-th call: ``done`` steps are saved, to the same end."""
    calls = iter(range(99))
    original = getattr(EpisodePool, method)

    def lossy(self: EpisodePool, *arguments: object) -> object:
        if next(calls) == call:
            raise RankLost("rank 1 ended")
        return original(self, *arguments)

    monkeypatch.setattr(EpisodePool, method, lossy)
    with pytest.raises(UserError, match=r"^rank 1 ended; .* is saved, add --resume to go on$"):
        train(tmp_path)
    monkeypatch.undo()
    record = load_state(tmp_path / "state" / "training.safetensors").record
    assert (record["phase"], record["done"]) == ("outer", done)
    train(tmp_path, resume=True)
    assert_same_run(tmp_path, whole)


def test_two_workers_equal_one(tmp_path: Path, whole: Path) -> None:
    train(tmp_path, workers=2)
    assert_same_run(tmp_path, whole)


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    first = train(tmp_path)
    before = digests(tmp_path)
    second = train(tmp_path, resume=True)
    assert digests(tmp_path) == before
    assert second.as_dict()["best_validation_f1"] == first.as_dict()["best_validation_f1"]
    assert second.checkpoint == first.checkpoint
    assert second.outer_steps == 4


def test_resume_with_other_settings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(tmp_path, progress=StopAfter("joint training", 1))
    before = digests(tmp_path)
    other = replace(CONFIG, seed=1)
    with pytest.raises(UserError, match="--resume with other settings than the run began with"):
        train(tmp_path, other, resume=True)
    assert digests(tmp_path) == before


def test_a_run_of_an_earlier_version_is_resumed(tmp_path: Path) -> None:
    """Its settings stood in another order, and its LSTM had another name."""
    done = train(tmp_path)
    file = tmp_path / "state" / "training.safetensors"
    state = load_state(file)
    settings = yaml.safe_load(state.record["config"])
    settings = {name: settings[name] for name in sorted(settings)}
    settings["tagger"]["lstm"]["kind"] = "generated"
    text = yaml.safe_dump(settings, sort_keys=False)
    assert text != state.record["config"]
    save_state(State(state.tensors, {**state.record, "config": text}), file)
    assert train(tmp_path, resume=True).outer_steps == done.outer_steps


def test_resume_without_a_state_and_with_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no saved state to resume; leave out --resume"):
        train(tmp_path, resume=True)
    with pytest.raises(Interrupted):
        train(tmp_path, progress=StopAfter("joint training", 1))
    state = tmp_path / "state" / "training.safetensors"
    state.write_bytes(state.read_bytes()[:-9])
    with pytest.raises(UserError, match="damaged; start anew without --resume"):
        train(tmp_path, resume=True)


def test_seeds_matter_and_nothing_else_does(tmp_path: Path, whole: Path) -> None:
    torch.manual_seed(123)  # a global generator that nothing may read
    drawn = torch.get_rng_state()
    train(tmp_path / "same")
    assert torch.equal(torch.get_rng_state(), drawn)
    assert_same_run(tmp_path / "same", whole)
    train(tmp_path / "other", replace(CONFIG, seed=1))
    assert not same(final_weights(tmp_path / "other"), final_weights(whole))


@pytest.mark.parametrize("order", [1, 2])
def test_maml_without_joint_training_and_without_validation(tmp_path: Path, order: int) -> None:
    config = replace(
        CONFIG,
        algorithm="maml",
        order=order,
        joint=replace(CONFIG.joint, steps=0),
        outer=replace(CONFIG.outer, steps=2, validate_every=0),
    )
    result = train(tmp_path, config)
    assert math.isnan(result.best_validation)
    assert result.as_dict()["best_validation_f1"] is None
    assert [entry["phase"] for entry in history(tmp_path)] == ["outer", "outer"]
    # Without a figure the last learner is kept, and the checkpoint says that it has none.
    kept = load_model(tmp_path / "checkpoint")
    assert kept.about["outer_step"] == 2
    assert kept.about["validation_f1"] is None
    final = final_weights(tmp_path)
    assert all(torch.equal(v, final[f"learner.{n}"]) for n, v in own(kept.learner).items())


JOINT = replace(CONFIG, algorithm="joint", joint=replace(CONFIG.joint, steps=6))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Joint training and nothing else."""
    output = tmp_path_factory.mktemp("alone")
    train(output, JOINT)
    return output


def test_joint_training_alone_is_validated_and_keeps_every_source_head(alone: Path) -> None:
    entries = history(alone)
    assert [(entry["phase"], entry["step"]) for entry in entries] == [
        *(("joint", step) for step in range(1, 7)), ("validation", 0),
    ]  # fmt: skip
    kept = load_model(alone / "checkpoint", CHECKPOINT)
    assert kept.about["algorithm"] == "joint"
    assert kept.about["validation_f1"] == entries[-1]["f1"]
    assert [h.name for h in kept.heads] == ["alpha/Cell", "beta/Drug", "gamma/Gene", "gamma/Site"]
    start = own(load_model(alone / "state" / "initial").learner)
    for head in kept.heads:  # each was learned, and the checkpoint's own is their mean
        assert not torch.equal(head.params["head_type"], start["head_type"])
    mean = torch.stack([head.params["head_type"] for head in kept.heads]).mean(0)
    assert torch.allclose(own(kept.learner)["head_type"], mean, atol=1e-3)


@pytest.mark.parametrize("step", [2, 5, 6])
def test_joint_training_alone_resumed(tmp_path: Path, alone: Path, step: int) -> None:
    with pytest.raises(Interrupted):
        train(tmp_path, JOINT, progress=StopAfter("joint training", step))
    train(tmp_path, JOINT, resume=True)
    assert_same_run(tmp_path, alone)


def test_joint_training_alone_keeps_its_heads_when_a_rank_is_lost(
    tmp_path: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> float:
        raise RankLost("rank 1 ended")

    monkeypatch.setattr(EpisodePool, "validate", lost)
    with pytest.raises(UserError, match="rank 1 ended"):
        train(tmp_path, JOINT)
    monkeypatch.undo()
    train(tmp_path, JOINT, resume=True)
    assert_same_run(tmp_path, alone)
    before = digests(tmp_path)
    train(tmp_path, JOINT, resume=True)
    assert digests(tmp_path) == before


def test_result_has_the_promised_fields(tmp_path: Path) -> None:
    tracker = StopAfter()
    result = train(tmp_path, progress=tracker).as_dict()
    promised = {"checkpoint", "outer_steps", "seconds", "peak_rss_mib", "best_validation_f1"}
    assert promised <= set(result)
    assert result["checkpoint"] == str(tmp_path / "checkpoint")
    assert 0 < result["seconds"] < 100
    assert 50 < result["peak_rss_mib"] < 4000
    assert json.loads(json.dumps(result)) == result
    assert tracker.phases == [
        ("word vectors", 1, 0),
        ("joint training", 4, 0),
        ("outer loop", 4, 0),
    ]
    assert tracker.steps["joint training"] == tracker.steps["outer loop"] == [1, 2, 3, 4]


def test_it_runs_outside_the_main_thread(tmp_path: Path, whole: Path) -> None:
    """Where signals cannot be caught."""
    thread = threading.Thread(target=train, args=(tmp_path,))
    thread.start()
    thread.join()
    assert_same_run(tmp_path, whole)


def test_what_is_damaged_of_a_run_is_refused_on_resume(tmp_path: Path) -> None:
    train(tmp_path)
    assert train(tmp_path, resume=True).outer_steps == CONFIG.outer.steps
    for name, fault in (
        ("checkpoint/model.safetensors", r"model\.safetensors: is damaged \(its SHA-256 differs\)"),
        ("checkpoint/config.json", r"config\.json: is damaged"),
        ("history.jsonl", r"history\.jsonl: is damaged or was changed"),
    ):
        path = tmp_path / name
        content = path.read_bytes()
        path.write_bytes(content[:-9])
        with pytest.raises(UserError, match=fault):
            train(tmp_path, resume=True)
        path.write_bytes(content)
    assert train(tmp_path, resume=True).outer_steps == CONFIG.outer.steps
