"""A run of supervised training: whatever happens to it, its numbers are the same."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.outcome import Interrupted, Progress
from fewshot_metalstm.runs import saved_nothing
from fewshot_metalstm.seeds import torch_generator
from fewshot_metalstm.train.batches import epoch_batches
from fewshot_metalstm.train.items import items_of
from fewshot_metalstm.train.loop import Training, task_params
from fewshot_metalstm.train.result import TrainResult
from fewshot_metalstm.train.session import run_id, train
from fewshot_metalstm.train.settings import SupervisedConfig
from tests.train.toys import Plane, ToySource, ToyTask, toy_task

CONFIG = SupervisedConfig(epochs=4, batch=5, lr=0.05, average=0.9)
ONE, TWO = [toy_task("a")], [toy_task("a"), toy_task("b", train=11, devel=5, test=4)]


class StopAt(Progress):
    """Sends this process a signal after a step."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.notes: list[str] = []

    def advance(self, done: int, figures: Mapping[str, float]) -> None:
        if done == self.step:
            signal.raise_signal(signal.SIGTERM)

    def note(self, text: str) -> None:
        self.notes.append(text)


def run(
    output: Path, tasks: Sequence[ToyTask] = ONE, config: SupervisedConfig = CONFIG,
    devel: Sequence[float] = (), **more: Any,
) -> TrainResult:  # fmt: skip
    source = ToySource(tasks, config, devel)
    return train(source, output, kind="toy", items="points", device=torch.device("cpu"), **more)


def outcome(output: Path, result: TrainResult) -> Any:
    """All that has to be the same, as plain values."""
    shown = result.as_dict()
    del shown["seconds"]
    models = [json.loads((task.model / "config.json").read_text()) for task in result.tasks]
    text = json.dumps([shown, models], sort_keys=True).replace(str(output), "")
    return text, (output / "history.jsonl").read_text()


def test_it_is_a_plain_loop_over_the_epochs(tmp_path: Path) -> None:
    result = run(tmp_path / "out", TWO)
    source = ToySource(TWO, CONFIG)
    learner = Plane()
    source.model = source.fresh(Progress())
    lengths = {task.name: source.lengths(task.name) for task in TWO}
    heads: dict[str, Params] = {t.name: {"head_bias": learner.head_bias} for t in TWO}
    training = Training(learner, heads, CONFIG, 4 * 8)
    best: tuple[float, int, Params] = (float("inf"), 0, {})
    for epoch in range(1, 5):
        for task, items in epoch_batches(lengths, 5, 0, epoch):
            noise = torch_generator(0, "train-noise", training.done)
            training.step(task, source.batch(task, "train", items), noise)
        weights = {name: value.clone() for name, value in training.weights().items()}
        errors = [float(learner.loss(task_params(weights, t.name), t.splits["devel"])) for t in TWO]
        best = min(best, (sum(errors) / 2, epoch, weights), key=lambda each: each[0])
    assert result.steps == training.done == 32
    assert result.epoch == best[1]
    assert result.mean("devel") == pytest.approx(best[0], rel=1e-12)
    for one in result.tasks:
        stored = json.loads((one.model / "config.json").read_text())["params"]
        wanted = {n: v.tolist() for n, v in task_params(best[2], one.name).items()}
        assert stored == wanted  # to the last bit
        assert one.model == tmp_path / "out" / one.name / "plane"


@pytest.mark.parametrize("step", [1, 5, 6, 13, 19])
def test_an_interrupted_run_goes_on_to_the_same_numbers(tmp_path: Path, step: int) -> None:
    whole = run(tmp_path / "whole", TWO)
    with pytest.raises(Interrupted, match="add --resume"):
        run(tmp_path / "out", TWO, progress=StopAt(step))
    assert not saved_nothing(tmp_path / "out")
    assert run_id(tmp_path / "out") is None
    again = run(tmp_path / "out", TWO, resume=True)
    assert outcome(tmp_path / "out", again) == outcome(tmp_path / "whole", whole)
    # And once more, when all is done.
    third = run(tmp_path / "out", TWO, resume=True)
    assert outcome(tmp_path / "out", third) == outcome(tmp_path / "whole", whole)


def test_the_epoch_with_the_best_devel_figure_is_kept(tmp_path: Path) -> None:
    result = run(tmp_path / "out", devel=[5.0, 1.0, 1.0, 3.0])  # less is better
    assert (result.epoch, result.epochs, result.chosen_by) == (2, 4, "devel")
    text = (tmp_path / "out" / "history.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["devel_error"] for line in lines] == [5.0, 1.0, 1.0, 3.0]
    assert result.tasks[0].scores["test"].value == lines[1]["test_error"]
    assert result.as_dict()["mean"] == round(lines[1]["test_error"], 2)
    assert result.as_dict()["better"] == "lower"
    # What is no weight is chosen on devel, and the other splits are scored with it.
    assert {split: score.tuned for split, score in result.tasks[0].scores.items()} == {
        split: {"chosen on": 8.0} for split in ("train", "devel", "test")
    }
    alone = run(tmp_path / "two", config=replace(CONFIG, patience=2), devel=[5.0, 1.0, 1.5, 3.0])
    assert (alone.epoch, alone.epochs) == (2, 4)
    short = run(tmp_path / "three", config=replace(CONFIG, patience=1), devel=[5.0, 1.0, 1.5])
    assert (short.epoch, short.epochs) == (2, 3)


def test_without_a_devel_split_the_last_epoch_or_held_out_items(tmp_path: Path) -> None:
    task = toy_task("c", train=20)
    progress = StopAt(-1)
    last = run(tmp_path / "last", [task], progress=progress)
    assert (last.epoch, last.chosen_by) == (4, "the last epoch")
    assert last.as_dict()["mean"] is None
    assert "c has no devel split: no epoch is chosen by it" in progress.notes
    held = run(tmp_path / "held", [task], replace(CONFIG, hold_out=0.1), progress=progress)
    assert held.tasks[0].items == 18
    assert held.tasks[0].tuned == {"chosen on": 2.0}
    assert last.tasks[0].tuned == {}
    assert held.tasks[0].scores["devel"].items == 2
    assert held.chosen_by == "held-out train items"
    assert any("2 of its 20 train points are held out" in note for note in progress.notes)


def test_the_test_split_is_left_alone_where_that_is_asked(tmp_path: Path) -> None:
    source = ToySource(ONE, replace(CONFIG, test=False, curve_items=7))
    train(source, tmp_path, kind="toy", items="points", device=torch.device("cpu"))
    assert {(split, items) for _, split, items in source.scored} == {("train", 7), ("devel", 8)}


def test_what_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the task a is named twice"):
        run(tmp_path / "twice", [*ONE, *ONE])
    with pytest.raises(UserError, match="c has no train split to learn from"):
        run(tmp_path / "none", [toy_task("c", test=3)])
    with pytest.raises(UserError, match="no saved state to resume"):
        run(tmp_path / "absent", resume=True)
    run(tmp_path / "out")
    with pytest.raises(UserError, match="--resume with other settings"):
        run(tmp_path / "out", config=replace(CONFIG, lr=0.1), resume=True)
    with pytest.raises(UserError, match="--resume with other data"):
        run(tmp_path / "out", [toy_task("a", train=22, devel=8, test=9)], resume=True)
    with pytest.raises(UserError, match="no batch has a finite loss"):
        run(tmp_path / "far", [toy_task("far")], replace(CONFIG, optimiser="sgd", lr=1e200))


def test_a_part_of_train_is_drawn_by_the_seed() -> None:
    few = replace(CONFIG, epochs=1, items=6)
    chosen = [items_of(ONE[0], few, "items", seed) for seed in (0, 0, 1)]
    assert [len(each.train) for each in chosen] == [6, 6, 6]
    assert chosen[0] == chosen[1]
    assert chosen[0].train != chosen[2].train
    assert set(chosen[0].curve) <= set(chosen[0].train)
    everything = items_of(ONE[0], replace(few, items=10**6), "items", 0)
    assert everything == items_of(ONE[0], replace(few, items=0), "items", 0)


def test_averaging_that_devel_begins_is_told_and_goes_on_after_a_break(tmp_path: Path) -> None:
    config = replace(CONFIG, optimiser="nt-asgd", lr=0.01, window=1, epochs=5)
    devel = [0.5, 0.4, 0.6, 0.7, 0.8]
    listener = StopAt(-1)
    whole = run(tmp_path / "whole", config=config, devel=devel, progress=listener)
    begun = [note for note in listener.notes if "averaged" in note]
    assert begun == ["devel stopped getting better: from here on weights are averaged"]
    steps = whole.steps // 5
    with pytest.raises(Interrupted):
        run(tmp_path / "half", config=config, devel=devel, progress=StopAt(3 * steps + 1))
    half = run(tmp_path / "half", config=config, devel=devel[3:], resume=True)
    assert outcome(tmp_path / "half", half) == outcome(tmp_path / "whole", whole)
    alone = [toy_task("a", train=11, test=4)]
    with pytest.raises(UserError, match="nt-asgd begins to average by devel"):
        run(tmp_path / "none", alone, config)
