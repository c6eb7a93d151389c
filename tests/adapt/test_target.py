"""All draws of a target, from one checkpoint that stays as it is."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.plan import check_held_out, draw_supports, notes_of, plan_adaptation
from fewshot_metalstm.adapt.report import AdaptReport
from fewshot_metalstm.adapt.target import adapt_target
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.kind import Support
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig
from fewshot_metalstm.kinds.tagging.adapt.tagger import score_split
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.kind import TAGGING
from fewshot_metalstm.kinds.tagging.tagger.learned_sentences import digests_of
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, TaggerModel, load_model, save_model
from tests.kinds.tagging.tagger.builders import TARGET, digests, model, own

QUICK = AdaptConfig(epochs=2, min_steps=10, lr=0.02)
CONFIG = AdaptRunConfig(
    shots=3, draws=3, baselines=("scratch",), adapt=QUICK, scratch=replace(QUICK, lr=0.03)
)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    about = {
        "families": ["alpha-family"], "targets_excluded": ["goal"], "algorithm": "maml"
    }  # fmt: skip
    save_model(replace(model(), about=about), tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def adapt(
    checkpoint: Path, output: Path, config: AdaptRunConfig = CONFIG, workers: int = 1,
    target: Task = TARGET,
) -> tuple[AdaptReport, list[CellResult]]:  # fmt: skip
    cells: list[CellResult] = []
    report = adapt_target(
        checkpoint, target, config, output, device=torch.device("cpu"), workers=workers,
        on_cell=cells.append,
    )  # fmt: skip
    return report, cells


def without_seconds(report: AdaptReport) -> object:
    def strip(value: object) -> object:
        if isinstance(value, dict):
            return {k: strip(v) for k, v in value.items() if k != "seconds"}
        return [strip(v) for v in value] if isinstance(value, list) else value

    return strip(report.as_dict())


def test_the_report_and_the_tagger_and_the_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    before = digests(checkpoint)
    report, cells = adapt(checkpoint, tmp_path / "out")
    assert digests(checkpoint) == before
    shape = report.as_dict()
    assert json.loads(json.dumps(shape)) == shape
    assert {"target", "shots", "method", "checkpoint", "draws", "mean_f1", "ci95", "baselines"} <= (
        set(shape)
    )
    assert (shape["target"], shape["shots"], shape["method"]) == ("goal", 3, "maml")
    assert shape["checkpoint"] == str(checkpoint)
    assert set(shape["baselines"]) == {"scratch"}
    for method in (shape, shape["baselines"]["scratch"]):
        assert [draw["draw"] for draw in method["draws"]] == [0, 1, 2]
        for draw in method["draws"]:
            assert {
                "draw", "f1", "precision", "recall", "support_sentences", "support_mentions",
                "seconds",
            } <= set(draw)  # fmt: skip
        mean = sum(draw["f1"] for draw in method["draws"]) / 3
        assert method["mean_f1"] == pytest.approx(mean, abs=0.01)
        assert method["ci95"] >= 0
    assert len(cells) == 6
    shutil.rmtree(checkpoint)
    tagger = load_model(tmp_path / "out" / "tagger", TAGGER)
    score = score_split(
        tagger.learner, own(tagger.learner), tagger.table(), TARGET, "test", tagger.lexicon
    )
    assert report.main.cells[0].score == score
    assert report.model == str(tmp_path / "out" / "tagger")
    assert not report.notes


def test_two_workers_equal_one(checkpoint: Path, tmp_path: Path) -> None:
    one, _ = adapt(checkpoint, tmp_path / "out")
    first = digests(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    two, _ = adapt(checkpoint, tmp_path / "out", workers=2)
    assert without_seconds(one) == without_seconds(two)
    assert [c.losses for c in one.main.cells] == [c.losses for c in two.main.cells]
    assert digests(tmp_path / "out") == first


def test_without_scores_the_tagger_is_the_same(checkpoint: Path, tmp_path: Path) -> None:
    adapt(checkpoint, tmp_path / "scored", replace(CONFIG, draws=1, baselines=()))
    config = replace(CONFIG, draws=1, score=False)
    report, cells = adapt(checkpoint, tmp_path / "bare", config)
    assert [cell.score for cell in cells] == [None, None]
    assert report.main.summary() is None
    assert "nothing is scored, as was asked" in report.notes
    scored, bare = (tmp_path / name / "tagger" / "model.safetensors" for name in ("scored", "bare"))
    assert scored.read_bytes() == bare.read_bytes()


def test_the_checkpoint_is_read_once(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def counted(folder: Path, kind: str | None = None) -> TaggerModel:
        read.append(folder)
        return load_model(folder, kind)

    monkeypatch.setattr("fewshot_metalstm.kinds.tagging.tagger.model.load_model", counted)
    adapt(checkpoint, tmp_path / "out", replace(CONFIG, draws=1))
    assert read == [checkpoint]


def test_supports_of_the_draws() -> None:
    drawn = draw_supports(TAGGING, TARGET, CONFIG)
    assert not any(support.note for support in drawn)
    supports = [support.indices for support in drawn]
    assert len(set(supports)) == 3
    for support in supports:
        held = [t[2:] for i in support for t in TARGET.split("train")[i].tags if t[0] in "BS"]
        assert all(3 <= held.count(name) <= 6 for name in TARGET.types)
    assert draw_supports(TAGGING, TARGET, CONFIG) == drawn
    assert draw_supports(TAGGING, TARGET, replace(CONFIG, seed=1)) != drawn
    whole = draw_supports(TAGGING, TARGET, replace(CONFIG, shots=0, draws=2))
    assert whole == [Support(tuple(range(40)))] * 2


def test_a_target_that_cannot_give_the_shots_is_noted(checkpoint: Path, tmp_path: Path) -> None:
    report, _ = adapt(checkpoint, tmp_path, replace(CONFIG, shots=500, draws=1, baselines=()))
    assert any(note.startswith("draw 0: ") for note in report.notes)
    assert report.as_dict()["ci95"] is None


def test_a_note_that_all_draws_share_is_said_once() -> None:
    few, none = Support((0,), "two types alone"), Support((0,))
    assert notes_of([few]) == ["draw 0: two types alone"]
    assert notes_of([few, few]) == ["two types alone"]
    assert notes_of([few, none, few]) == ["draws 0, 2: two types alone"]
    assert notes_of([none]) == []


def test_what_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="baseline 'magic' is unknown; use scratch"):
        adapt(checkpoint, tmp_path, replace(CONFIG, baselines=("magic",)))
    corpus = replace(TARGET.corpus, splits={"test": TARGET.corpus.splits["test"]})
    with pytest.raises(UserError, match="goal has no train split"):
        adapt(checkpoint, tmp_path, target=Task("goal", corpus, corpus.types))
    with pytest.raises(UserError, match="tune 'x' is unknown"):
        adapt(checkpoint, tmp_path, replace(CONFIG, tune="x"))
    save_model(model(2, TAGGER), tmp_path / "t")
    with pytest.raises(UserError, match="is a tagger, not a checkpoint"):
        adapt(tmp_path / "t", tmp_path)


def test_a_checkpoint_that_has_seen_the_target_is_refused_or_noted() -> None:
    def check(**about: object) -> tuple[str, ...]:
        return tuple(check_held_out(TAGGING, replace(model(), about=about), TARGET))

    with pytest.raises(UserError, match="meta-train with --exclude goal"):
        check(families=["goal-family"])
    assert check(families=["other"], targets_excluded=["goal"]) == ()
    assert check(families=["other"], targets_excluded=[]) == (), "not known, nothing to say"
    (note,) = check_held_out(
        TAGGING, replace(model(), about={}, sentences=digests_of(TARGET.split("test"))), TARGET
    )
    size = TARGET.sizes["test"]
    assert note.startswith(f"{size} of the {size} test sentences of goal equal sentences that")


def test_a_summary_of_one_draw_has_no_interval(checkpoint: Path, tmp_path: Path) -> None:
    report, _ = adapt(checkpoint, tmp_path, replace(CONFIG, draws=1, baselines=()))
    spread = report.main.summary()
    assert spread is not None
    assert not math.isnan(spread.mean)
    assert spread.half is None
    corpus = replace(TARGET.corpus, splits={"train": TARGET.corpus.splits["train"]})
    bare = Task("goal", corpus, corpus.types)
    report, _ = adapt(checkpoint, tmp_path / "b", replace(CONFIG, draws=1), target=bare)
    assert report.main.summary() is None
    assert report.as_dict()["mean_f1"] is None
    assert any("no test split" in note for note in report.notes)


def test_a_baseline_that_is_named_twice_counts_once(checkpoint: Path, tmp_path: Path) -> None:
    twice = replace(CONFIG, baselines=("scratch", "crf", "scratch"))
    plan = plan_adaptation(checkpoint, TARGET, twice, tmp_path)
    drawn = [(cell.method, cell.draw) for cell in plan.cells]
    assert drawn == [(name, draw) for name in ("maml", "scratch", "crf") for draw in range(3)]
