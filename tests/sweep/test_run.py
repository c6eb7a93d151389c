"""Sweeps: the figures of ``adapt``, resuming, failures, files of other settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.target import adapt_target
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.jobs.choose import has_ray
from fewshot_metalstm.jobs.outcome import Failure, Outcome, Runner
from fewshot_metalstm.jobs.pool import PoolRunner
from fewshot_metalstm.jobs.ray_actors import RayRunner
from fewshot_metalstm.kinds.tagging.adapt.self_training import SelfTrainingConfig
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig, SweepConfig
from fewshot_metalstm.kinds.tagging.kind import TAGGING
from fewshot_metalstm.kinds.tagging.tagger.model import read_config, save_model
from fewshot_metalstm.sweep.grid import Key
from fewshot_metalstm.sweep.report import SweepReport
from fewshot_metalstm.sweep.run import plan_sweep, run_sweep
from fewshot_metalstm.sweep.store import SweepFolder
from tests.kinds.tagging.tagger.builders import TARGET, digests, model, task

QUICK = AdaptConfig(epochs=2, min_steps=10, lr=0.02)
CONFIG = SweepConfig(
    targets=("goal",), shots=(3, 4), draws=(0, 1), adapt=QUICK, scratch=replace(QUICK, lr=0.03)
)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    about = {"families": [], "targets_excluded": ["goal", "site"], "algorithm": "maml"}
    save_model(replace(model(), about=about), tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def sweep(
    checkpoint: Path, folder: Path, config: SweepConfig = CONFIG, runner: Runner | None = None,
    retries: int = 0,
) -> tuple[SweepReport, list[Key]]:  # fmt: skip
    done: list[Key] = []
    files = SweepFolder(folder)
    report = run_sweep(
        plan_sweep(checkpoint, [TARGET], config, files), files, runner or PoolRunner(1),
        retries=retries, on_cell=lambda key, result: done.append(key),
    )  # fmt: skip
    return report, done


def results(folder: Path) -> dict[str, Any]:
    """What stands in the files of the cells, without the times."""
    found = {}
    for path in sorted((folder / "cells").iterdir()):
        found[path.name] = json.loads(path.read_text())
        del found[path.name]["result"]["seconds"]
    return found


@dataclass(frozen=True)
class Failing:
    """Fails the jobs with these numbers; the others are done in this process."""

    numbers: tuple[int, ...]

    def run(self, setup: Any, jobs: Sequence[Any]) -> Iterator[Outcome[Any]]:
        for outcome in PoolRunner(1).run(setup, jobs):
            if outcome.number in self.numbers:
                yield Outcome(outcome.number, None, Failure("no memory", "Traceback: no memory"))
            else:
                yield outcome


def test_the_figures_are_those_of_adapt(checkpoint: Path, tmp_path: Path) -> None:
    report, done = sweep(checkpoint, tmp_path / "s")
    assert len(done) == report.cells == 8
    files = results(tmp_path / "s")
    for shots in CONFIG.shots:
        own = adapt_target(
            checkpoint, TARGET,
            AdaptRunConfig(shots=shots, draws=2, baselines=("scratch",), adapt=CONFIG.adapt,
                           scratch=CONFIG.scratch),
            tmp_path / str(shots), device=torch.device("cpu"), workers=1,
        )  # fmt: skip
        for name, method in (("meta", own.main), ("scratch", own.baselines[0])):
            for cell in method.cells:
                stored = files[f"goal-{shots}-{name}-{cell.draw}.json"]["result"]
                assert cell.score is not None
                assert stored["score"]["f1"] == cell.score.value
                assert tuple(stored["losses"]) == cell.losses
                assert stored["support_mentions"] == cell.support_counted
            row = next(r for r in report.rows if (r.shots, r.method) == (shots, name))
            assert row.value is not None
            assert row.value == method.summary()


def test_with_unlabelled_text_the_figures_are_those_of_adapt(
    checkpoint: Path, tmp_path: Path
) -> None:
    own = SelfTrainingConfig(sentences=9, epochs=2)
    quick = replace(QUICK, averages=2)
    more = f"more={checkpoint}:tune=head:unlabelled=train"
    taught = f"taught={checkpoint}:tune=head:teacher={checkpoint}"
    methods = ("meta", more, taught)
    config = replace(CONFIG, shots=(3,), methods=methods, adapt=quick, self_training=own)
    report, _ = sweep(checkpoint, tmp_path / "s", config)
    wanted = adapt_target(
        checkpoint, TARGET,
        AdaptRunConfig(shots=3, draws=2, tune="head", adapt=quick, unlabelled="train",
                       self_training=own),
        tmp_path / "a", device=torch.device("cpu"), workers=1,
    )  # fmt: skip
    row = next(row for row in report.rows if row.method == "more")
    assert [row.draws[cell.draw].losses for cell in wanted.main.cells] == [
        cell.losses for cell in wanted.main.cells
    ]
    files = results(tmp_path / "s")
    assert files["goal-3-more-0.json"]["settings"]["self_training"]["sentences"] == 9
    assert "unlabelled" not in files["goal-3-meta-0.json"]["settings"]
    assert "teacher" not in files["goal-3-more-0.json"]["settings"]
    assert files["goal-3-taught-0.json"]["settings"]["teacher"]
    other = replace(config, self_training=replace(own, epochs=3))
    with pytest.raises(UserError, match=r"goal-3-more-0.json: comes from other settings \(self_"):
        sweep(checkpoint, tmp_path / "s", other)
    made = replace(config, methods=(f"made={checkpoint}:unlabelled=train:tune=prototypes",))
    with pytest.raises(UserError, match="a tagger that is tuned, which tune prototypes does not"):
        sweep(checkpoint, tmp_path / "t", made)


def test_two_workers_equal_one(checkpoint: Path, tmp_path: Path) -> None:
    sweep(checkpoint, tmp_path / "one")
    sweep(checkpoint, tmp_path / "two", runner=PoolRunner(2))
    assert results(tmp_path / "one") == results(tmp_path / "two")


@pytest.mark.skipif(
    not has_ray(), reason="Ray is not installed: pip install 'fewshot-metalstm[ray]'"
)
@pytest.mark.filterwarnings("ignore")  # Ray's own
@pytest.mark.xdist_group("ray")
def test_ray_equals_the_pool(checkpoint: Path, tmp_path: Path) -> None:
    sweep(checkpoint, tmp_path / "one")
    sweep(checkpoint, tmp_path / "ray", runner=RayRunner(2))
    assert results(tmp_path / "one") == results(tmp_path / "ray")


def test_finished_cells_are_kept_as_they_are(checkpoint: Path, tmp_path: Path) -> None:
    first, _ = sweep(checkpoint, tmp_path / "s")
    (tmp_path / "s" / "cells" / "goal-3-meta-1.json").unlink()
    before = digests(tmp_path / "s")
    again, done = sweep(checkpoint, tmp_path / "s", replace(CONFIG, draws=(0, 1, 2)))
    assert sorted(done) == sorted(
        [Key("goal", 3, "meta", 1),
         *(Key("goal", k, m, 2) for k in (3, 4) for m in ("meta", "scratch"))]
    )  # fmt: skip
    assert again.reused == 7
    after = digests(tmp_path / "s")
    assert {name: after[name] for name in before} == before
    assert again.rows[0].draws[0] == first.rows[0].draws[0]


def test_failures_are_kept_reported_and_tried_again(checkpoint: Path, tmp_path: Path) -> None:
    report, done = sweep(checkpoint, tmp_path / "s", runner=Failing((0, 3)), retries=1)
    # Of the second round, the first of the two fails again.
    assert [(key, f.attempts) for key, f in report.failed] == [(Key("goal", 3, "meta", 0), 2)]
    assert len(done) == 7
    (note,) = (tmp_path / "s" / "failed").iterdir()
    assert note.read_text() == "no memory\n\nTraceback: no memory"
    assert report.rows[0].missing == 1
    report, done = sweep(checkpoint, tmp_path / "s")
    assert not report.failed
    assert done == [Key("goal", 3, "meta", 0)]
    assert not list((tmp_path / "s" / "failed").iterdir())


def test_files_of_other_settings_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    sweep(checkpoint, tmp_path / "s")
    before = digests(tmp_path / "s")

    def refused(config: SweepConfig = CONFIG) -> str:
        with pytest.raises(UserError) as caught:
            sweep(checkpoint, tmp_path / "s", config)
        return str(caught.value)

    line = refused(replace(CONFIG, seed=1))
    assert "goal-3-meta-0.json: comes from other settings (seed: 0 there, 1 now)" in line
    assert "remove it to have the cell done again, or name another --output" in line
    assert "adapt.lr: 0.02 there, 0.5 now" in refused(replace(CONFIG, adapt=replace(QUICK, lr=0.5)))
    save_model(replace(model(), about={"note": 1, "targets_excluded": ["goal"]}), checkpoint)
    assert sweep(checkpoint, tmp_path / "s")[1] == [], "the same weights, whatever is said of them"
    learner = model()
    with torch.no_grad():
        learner.learner.head_outside.add_(1)
    save_model(learner, checkpoint)
    assert "checkpoint.model.safetensors: " in refused()
    assert digests(tmp_path / "s") == before
    path = tmp_path / "s" / "cells" / "goal-3-meta-0.json"
    for text, problem in (("{", "is damaged (not JSON)"), ("[]", "is no result of this version")):
        path.write_text(text)
        assert problem in refused()


def test_what_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    files = SweepFolder(tmp_path / "s")
    with pytest.raises(UserError, match="two targets are called goal"):
        plan_sweep(checkpoint, [TARGET, TARGET], CONFIG, files)
    with pytest.raises(UserError, match="tune 'x' is unknown"):
        plan_sweep(checkpoint, [TARGET], replace(CONFIG, tune="x"), files)
    seen = replace(model(), about={"families": ["goal-family"]})
    save_model(seen, checkpoint)
    with pytest.raises(UserError, match="meta-train with --exclude goal"):
        plan_sweep(checkpoint, [TARGET], CONFIG, files)
    assert not (tmp_path / "s").exists()


def test_a_target_without_a_test_split_and_the_whole_train_split(
    checkpoint: Path, tmp_path: Path
) -> None:
    bare = task("bare", ("X",), (12, 0, 0))
    files = SweepFolder(tmp_path / "s")
    config = replace(CONFIG, targets=("bare",), shots=(0,), draws=(0,), methods=("meta",))
    plan = plan_sweep(checkpoint, [bare], config, files)
    report = run_sweep(plan, files, PoolRunner(1), retries=0)
    (row,) = report.rows
    assert row.value is None
    assert row.draws[0].support_items == 12
    assert any("bare has no test split" in note for note in report.notes)
    assert isinstance(files.read(plan.cells[0], plan.kind), CellResult)


def test_several_checkpoints_and_the_crf(checkpoint: Path, tmp_path: Path) -> None:
    other = model()
    with torch.no_grad():
        other.learner.head_outside.add_(1)
    about = {"families": [], "targets_excluded": [], "algorithm": "fomaml"}
    save_model(replace(other, about=about), tmp_path / "run" / "checkpoint")
    methods = (f"first={checkpoint}", f"second={tmp_path / 'run'}", "scratch", "crf")
    config = replace(CONFIG, methods=methods, shots=(3,), draws=(0,))
    files = SweepFolder(tmp_path / "s")
    plan = plan_sweep(None, [TARGET], config, files)
    report = run_sweep(plan, files, PoolRunner(1), retries=0)
    assert not report.failed
    assert [row.method for row in report.rows] == ["first", "second", "scratch", "crf"]
    assert report.as_dict()["checkpoints"] == {
        "first": str(checkpoint), "second": str(tmp_path / "run" / "checkpoint"),
        "scratch": str(checkpoint),
    }  # fmt: skip
    assert f"second: {tmp_path / 'run' / 'checkpoint'}" in report.checkpoint
    stored = {key.split("-")[2]: value for key, value in results(tmp_path / "s").items()}
    digest = {
        name: read_config(path)["sha256"]
        for name, path in (("first", checkpoint), ("second", tmp_path / "run" / "checkpoint"))
    }
    assert {name: cell["settings"]["checkpoint"] for name, cell in stored.items()} == {
        **digest, "scratch": digest["first"], "crf": {}
    }  # fmt: skip
    assert stored["second"]["result"]["method"] == "fomaml"
    # The figures are those of a sweep of each checkpoint alone.
    for name, path in (("first", checkpoint), ("second", tmp_path / "run" / "checkpoint")):
        alone = replace(config, methods=("meta",))
        sweep(path, tmp_path / name, alone)
        (cell,) = results(tmp_path / name).values()
        assert cell["result"] == stored[name]["result"]
    # Another checkpoint in the place of one: its cells are refused, the CRF's are kept.
    save_model(replace(other, about=about), checkpoint)
    with pytest.raises(UserError, match=r"goal-3-first-0\.json: comes from"):
        plan_sweep(None, [TARGET], config, files)
    kept = plan_sweep(None, [TARGET], replace(config, methods=("crf",)), files)
    assert set(kept.finished) == {Key("goal", 3, "crf", 0)}
    assert kept.all_checkpoints == ""


def test_a_method_may_say_what_it_tunes(checkpoint: Path, tmp_path: Path) -> None:
    methods = (f"own={checkpoint}", *(f"{t}={checkpoint}:tune={t}" for t in ("basic", "head")))
    config = replace(CONFIG, methods=methods, shots=(3,), draws=(0,), tune="head")
    files = SweepFolder(tmp_path / "s")
    report = run_sweep(plan_sweep(None, [TARGET], config, files), files, PoolRunner(1), retries=0)
    assert not report.failed
    stored = {name.split("-")[2]: cell for name, cell in results(tmp_path / "s").items()}
    assert {name: cell["settings"]["tune"] for name, cell in stored.items()} == {
        "own": "head", "basic": "basic", "head": "head"
    }  # fmt: skip
    losses = {name: cell["result"]["losses"] for name, cell in stored.items()}
    assert losses["own"] == losses["head"] != losses["basic"]


def test_a_checkpoint_that_nobody_named(tmp_path: Path) -> None:
    files = SweepFolder(tmp_path / "s")
    for method in ("meta", "scratch"):
        with pytest.raises(UserError, match=f"method {method} needs a checkpoint; name one with"):
            plan_sweep(None, [TARGET], replace(CONFIG, methods=(method,)), files)


def test_a_plan_has_each_cell_once_and_is_not_empty(tmp_path: Path) -> None:
    files = SweepFolder(tmp_path / "out")
    config = replace(CONFIG, methods=("crf",), shots=(3, 3), draws=(0, 0, 1))
    plan = plan_sweep(None, [TARGET], config, files)
    assert [str(cell.key) for cell in plan.cells] == [
        f"goal, 3 shots, crf, draw {draw}" for draw in (0, 1)
    ]
    with pytest.raises(UserError, match="draws is empty"):
        plan_sweep(None, [TARGET], replace(config, draws=()), files)


def test_files_of_a_method_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []

    def files(settings: object) -> dict[str, str]:
        read.append(settings)
        return {}

    counting = {"crf": replace(TAGGING.methods()["crf"], files=files)}
    monkeypatch.setattr(type(TAGGING), "methods", lambda self: counting)
    config = replace(CONFIG, methods=("crf",))
    assert len(plan_sweep(None, [TARGET], config, SweepFolder(tmp_path / "out")).cells) == 4
    assert len(read) == 1
