"""What a run of supervised training says that it is going to do and to cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from fewshot_metalstm.meta.cost import Cost
from fewshot_metalstm.meta.outcome import Interrupted
from fewshot_metalstm.tracked_run import NullRun
from fewshot_metalstm.train import plan
from fewshot_metalstm.train.plan import TrainPlan
from tests.train.test_session import CONFIG, TWO, StopAt, outcome, run


class Kept(NullRun):
    """A run that keeps its final metrics; ``resumed`` as a run that goes on."""

    def __init__(self, *, resumed: bool = False) -> None:
        super().__init__()
        self.resumed = resumed
        self.kept: dict[str, float] = {}

    def metrics(self, metrics: Mapping[str, float]) -> None:
        self.kept |= metrics


def test_words_and_times() -> None:
    made = TrainPlan(20, 543)
    assert (made.words, made.times) == ("plan: 20 epochs of 543 steps", "")
    assert replace(made, ends_early=True).words == "plan: at most 20 epochs of 543 steps"
    told = replace(
        made, training_seconds=600.0, scoring_seconds=120.0, cost=Cost(720.0, None, 500.0)
    )
    assert told.times == (
        "about 12 min in all, as steps take on this machine now: 10 min of training, "
        "2 min of scoring"
    )
    later = replace(told, done=860)
    assert later.words == "plan, the rest of a run: 10,000 steps, of 20 epochs of 543 steps"
    assert later.times.startswith("about 12 min left, as steps take")


def test_batches_of_the_mean_size_are_measured() -> None:
    lengths = {"a": [1] * 10 + [5] * 10 + [9] * 10}
    batches = [("a", [i, i + 1]) for i in range(0, 30, 2)]
    chosen = plan.typical(batches, lengths)
    assert len(chosen) == 5
    assert all(lengths["a"][i] == 5 for _, places in chosen for i in places)


def test_it_is_said_and_kept_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    untold = run(tmp_path / "not", TWO)
    monkeypatch.setattr(plan, "WORTH", 1)
    progress, kept = StopAt(-1), Kept()
    told = run(tmp_path / "told", TWO, progress=progress, run=kept)
    assert outcome(tmp_path / "told", told) == outcome(tmp_path / "not", untold)
    assert progress.notes[0] == "plan: 4 epochs of 8 steps"
    assert progress.notes[1].startswith("about 1 s in all, as steps take on this machine now: ")
    assert progress.notes[2].startswith("cost: ")
    assert {"cost/seconds", "cost/peak_mib"} <= kept.kept.keys()
    assert kept.kept["cost/seconds"] > 0


def test_a_run_that_goes_on_says_what_is_left_and_keeps_the_cost_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "WORTH", 1)
    with pytest.raises(Interrupted):
        run(tmp_path, TWO, CONFIG, progress=StopAt(11))
    progress, kept = StopAt(-1), Kept(resumed=True)
    run(tmp_path, TWO, CONFIG, progress=progress, run=kept, resume=True)
    assert progress.notes[0] == "plan, the rest of a run: 21 steps, of 4 epochs of 8 steps"
    assert " left, as steps take" in progress.notes[1]
    assert "cost/seconds" not in kept.kept
