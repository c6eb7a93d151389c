"""A run of supervised training: epochs, their scores, the best of them, and going on after a break.

The output folder holds ``config.yaml`` (the resolved settings), ``history.jsonl`` (a line an
epoch), ``state/`` (to resume from), and at the end the model of the chosen epoch: in the folder
that models of the kind go by (``tagger``), or for several tasks in one such folder a task, beside
``checkpoint``, which ``adapt`` can start from.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from fewshot_metalstm.config import dump, from_mapping
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.machine import keep_freed_memory, one_thread
from fewshot_metalstm.meta.history import History
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.outcome import Interrupted, Progress, Stoppable
from fewshot_metalstm.meta.state import State, load_state, save_state
from fewshot_metalstm.meta.stop import StopSignal
from fewshot_metalstm.seeds import torch_generator
from fewshot_metalstm.tracked_run import NullRun, Run
from fewshot_metalstm.train.batches import epoch_batches, number_of_batches
from fewshot_metalstm.train.items import Items, chosen_by, items_of
from fewshot_metalstm.train.loop import Training, head_params, shared_params, task_params
from fewshot_metalstm.train.optimisers import find
from fewshot_metalstm.train.plan import TrainPlan, measured
from fewshot_metalstm.train.result import Scored, TaskResult, TrainResult
from fewshot_metalstm.train.scoring import curves, plain_name, score
from fewshot_metalstm.train.settings import SupervisedConfig, check
from fewshot_metalstm.train.source import SupervisedSource
from fewshot_metalstm.writing import write_text

SAVE_SECONDS = 60.0  # between two saves of the state within an epoch
_BEST = "best."
_STATE = Path("state") / "training.safetensors"


def run_id(folder: Path) -> str | None:
    """The tracking run of the state in ``folder``; None if it has none."""
    state = folder / _STATE
    return load_state(state).record.get("run_id") if state.is_file() else None


def train(
    source: SupervisedSource,
    output: Path,
    *,
    kind: str,
    items: str,
    device: torch.device,
    resume: bool = False,
    run: Run | None = None,
    progress: Progress | None = None,
) -> TrainResult:
    """Train the model of ``source`` and write it below ``output``.

    The epoch with the best figure on devel is kept, of several tasks the best mean; the last one
    where no task has a devel split. Numbers are those of one thread, on every machine.

    Args:
        kind: the name of the tasks' kind.
        items: what a split consists of, for messages.
        resume: go on from the state in ``output``, to the same numbers as without the break.
        run: an open tracking run.

    Raises:
        UserError: settings that cannot be, no train split, damaged state, no finite loss.
        Interrupted: SIGINT or SIGTERM came; the state is saved.
    """
    keep_freed_memory()
    check(source.config.train)
    names = [task.name for task in source.tasks]
    chosen = {t.name: items_of(t, source.config.train, items, source.config.seed)
              for t in source.tasks}  # fmt: skip
    if len(chosen) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"the task {twice} is named twice; name each once")
    with one_thread():
        session = _Session(
            source, chosen, output, device, run or NullRun(), progress or Progress(), kind
        )
        with StopSignal() as stop:
            session.prepare(resume, stop)
            session.foresee()
            session.train(stop)
            return session.finish()


@dataclass
class _Session:
    """One call of :func:`train`, phase by phase."""

    source: SupervisedSource
    items: Mapping[str, Items]  # by task
    output: Path
    device: torch.device
    run: Run
    progress: Progress
    kind: str
    started: float = field(default_factory=time.perf_counter)
    spent: float = 0.0  # seconds of earlier sessions
    saved: float = field(default_factory=time.perf_counter)
    epoch: int = 0  # that are done
    within: int = 0  # batches of the next epoch that are done
    total: float = 0.0  # their loss, summed over items
    best: dict[str, Any] = field(default_factory=dict)  # epoch, value and scores of the best
    kept: Params = field(default_factory=dict)  # its weights
    stale: int = 0  # epochs since
    values: list[float] = field(default_factory=list)  # devel's figure after each epoch

    @property
    def config(self) -> SupervisedConfig:
        """How it is trained."""
        config: SupervisedConfig = self.source.config.train
        return config

    @cached_property
    def history(self) -> History:
        """The record of every epoch."""
        return History(self.output / "history.jsonl")

    @cached_property
    def lengths(self) -> dict[str, list[int]]:
        """The length of each item that is learned from, by task."""
        found = {}
        for task, items in self.items.items():
            every = self.source.lengths(task)
            found[task] = [every[i] for i in items.train]
        return found

    @property
    def choosable(self) -> bool:
        """Whether any task has items to choose the epoch by."""
        return any(items.devel is not None for items in self.items.values())

    def prepare(self, resume: bool, stop: StopSignal) -> None:
        """A fresh model, or what an earlier session saved."""
        if find(self.config.optimiser).triggered and not self.choosable:
            raise UserError(
                f"{self.config.optimiser} begins to average by devel, and no task has a devel "
                "split; set train.hold_out, or take another optimiser"
            )
        initial = self.output / "state" / "initial"
        state = load_state(self.output / _STATE) if resume else None
        if state is not None:
            began = yaml.safe_load(state.record["config"])
            if from_mapping(type(self.source.config), began, _STATE.name) != self.source.config:
                raise UserError(
                    f"{self.output}: --resume with other settings than the run began with; "
                    "give the same, or another --output"
                )
            if state.record["data"] != self._data():
                raise UserError(
                    f"{self.output}: --resume with other data than the run began with; give the "
                    "same, or another --output"
                )
            self.model = self.source.load(initial)
        else:
            write_text(dump(self.source.config), self.output / "config.yaml")
            self.history.begin()
            self.model = self.source.fresh(Stoppable(self.progress, stop, self.output))
            self.source.save(self.model, initial)
        self.model.learner.to(self.device)
        learned = {task: own.train for task, own in self.items.items()}
        self.source.use(self.model, self.device, learned)
        self.batches = number_of_batches(self.lengths, self.config.batch)
        steps = self.config.epochs * self.batches
        self.training = Training(
            self.model.learner, self.source.heads(self.model), self.config, steps
        )
        if state is not None:
            self._restore(state)

    def foresee(self) -> None:
        """Say what is going to be done, and about what it costs."""
        patience = self.config.patience > 0
        plan = TrainPlan(self.config.epochs, self.batches, self.training.done, patience)
        self.progress.note(plan.words)
        plan = measured(
            plan, self.source, self.model, self.training, self.items, self.lengths, self.device
        )
        self.progress.note(plan.times)
        if plan.cost is not None:
            self.progress.note(plan.cost.words)
            if not self.run.resumed:  # what a run costs as a whole is kept, not the rest of it
                self.run.metrics(plan.cost.metrics)

    def train(self, stop: StopSignal) -> None:
        """All epochs that are still to be done."""
        config = self.config
        for note in self.notes():
            self.progress.note(note)
        self.progress.phase("training", config.epochs * self.batches, self.training.done)
        while self.epoch < config.epochs and not self._patience_is_over():
            self._epoch(stop)
            self.epoch, self.within, self.total = self.epoch + 1, 0, 0.0
            self._save()
            if stop.requested and self.epoch < config.epochs:
                raise Interrupted(stop.requested, self.output)

    def _epoch(self, stop: StopSignal) -> None:
        """The rest of an epoch, and its scores."""
        number = self.epoch + 1
        seed, began = self.source.config.seed, self.training.skipped
        batches = epoch_batches(self.lengths, self.config.batch, seed, number)
        for task, places in batches[self.within :]:
            chosen = [self.items[task].train[i] for i in places]
            noise = torch_generator(seed, "train-noise", self.training.done)
            batch = self.source.batch(task, "train", chosen)
            loss = self.training.step(self.source.head_of(task), batch, noise)
            self.within += 1
            self.total += loss * len(chosen)
            seen = sum(len(p) for _, p in batches[: self.within])
            self.progress.advance(self.training.done, {"loss": self.total / seen})
            if stop.requested or time.perf_counter() - self.saved > SAVE_SECONDS:
                self._save()
            if stop.requested:
                raise Interrupted(stop.requested, self.output)
        if self.training.skipped - began == len(batches):
            raise UserError(
                f"epoch {number}: no batch has a finite loss; lower train.lr, or mend the data"
            )
        self._told(number, self.total / sum(map(len, self.lengths.values())))

    def _told(self, number: int, loss: float) -> None:
        """Score the model after an epoch, note it everywhere, and keep the best."""
        weights = self.training.weights()
        figure = self.source.figure
        scores = {task: score(self.source, task, own, weights) for task, own in self.items.items()}
        figures = {"loss": loss, "lr": self.training.lr, **curves(scores, figure.key)}
        entry = {"phase": "train", "epoch": number, "step": self.training.done, **figures}
        self.history.add({**entry, "tasks": {
            task: {split: each.as_dict() for split, each in own.items()}
            for task, own in scores.items()
        }})  # fmt: skip
        self.run.log(number, {k: v for k, v in figures.items() if math.isfinite(v)})
        value = figures.get(f"devel_{figure.key}", math.nan)
        shown = "" if math.isnan(value) else f", devel {figure.label} {figure.shown(value)}"
        self.progress.note(f"epoch {number}: loss {loss:.3f}{shown}")
        self.values.append(value)
        if self.training.heed(self.values, figure.sign):
            self.progress.note("devel stopped getting better: from here on weights are averaged")
        before = self.best.get("value", math.nan)
        better = not self.choosable or not self.best or math.isnan(before)
        if better or figure.improves(value, before):
            stored = {task: {split: vars(each) for split, each in own.items()}
                     for task, own in scores.items()}  # fmt: skip
            self.best = {"epoch": number, "value": value, "scores": stored}
            self.kept = {name: tensor.clone() for name, tensor in weights.items()}
            self.stale = 0
        else:
            self.stale += 1

    def _patience_is_over(self) -> bool:
        return 0 < self.config.patience <= self.stale

    def notes(self) -> tuple[str, ...]:
        """What a user should know of the run's choices."""
        own = (items.note for items in self.items.values() if items.note)
        return (*self.source.notes(), *own)

    def finish(self) -> TrainResult:
        """Write the models of the chosen epoch."""
        by = chosen_by(list(self.items.values()), list(self.items))
        results = []
        several = len(self.items) > 1
        about = {"epoch": self.best["epoch"], "chosen_by": by}
        for task in self.source.tasks:
            scores = {split: Scored(**s) for split, s in self.best["scores"][task.name].items()}
            folder = self.output / (plain_name(task.name) if several else "") / self.source.product
            outcome = TaskResult(
                task.name, len(self.items[task.name].train), scores, folder, task.synthetic,
                task.invented,
            )  # fmt: skip
            found = {split: score.value for split, score in scores.items()}
            params = task_params(self.kept, self.source.head_of(task.name))
            self.source.save_model(
                self.model, task.name, params, folder,
                {**about, "scores": found, "items": outcome.items, "tuned": dict(outcome.tuned)},
            )  # fmt: skip
            results.append(outcome)
        checkpoint: Path | None = self.output / "checkpoint"
        named = map(self.source.head_of, self.items)
        heads = {head: head_params(self.kept, head) for head in named}
        if not several or checkpoint is None or not self.source.save_joint(
            self.model, shared_params(self.kept), heads, checkpoint, about
        ):  # fmt: skip
            checkpoint = None
        return TrainResult(
            tuple(results), self.kind, self.source.product, self.source.figure,
            self.best["epoch"], self.epoch, by, self.training.done, self.training.skipped,
            sum(value.numel() for value in self.kept.values()), self._seconds(),
            self.source.config.start, checkpoint, self.notes(),
        )  # fmt: skip

    # Saving and going on

    def _seconds(self) -> float:
        return self.spent + time.perf_counter() - self.started

    def _data(self) -> dict[str, list[Any]]:
        """What has to be the same in a run that goes on: items and digest of every split."""
        return {
            f"{task.name}/{split}": [size, task.digests.get(split, "")]
            for task in self.source.tasks for split, size in task.sizes.items()
        }  # fmt: skip

    def _save(self) -> None:
        kept = {f"{_BEST}{name}": value for name, value in self.kept.items()}
        record = {
            "epoch": self.epoch, "within": self.within, "total": self.total,
            "done": self.training.done, "skipped": self.training.skipped, "best": self.best,
            "stale": self.stale, "values": self.values, **self.history.mark(),
            "seconds": self._seconds(), "config": dump(self.source.config), "data": self._data(),
            "run_id": self.run.id,
        }  # fmt: skip
        save_state(State({**self.training.state(), **kept}, record), self.output / _STATE)
        self.saved = time.perf_counter()

    def _restore(self, state: State) -> None:
        record, tensors = state.record, state.tensors
        self.training.restore(tensors)
        self.training.done, self.training.skipped = int(record["done"]), int(record["skipped"])
        self.epoch, self.within = int(record["epoch"]), int(record["within"])
        self.total, self.stale = float(record["total"]), int(record["stale"])
        self.values = list(record.get("values", []))
        self.best, self.spent = dict(record["best"]), float(record["seconds"])
        self.kept = _under(tensors, _BEST, self.device)
        self.history.cut(record)


def _under(tensors: Mapping[str, Tensor], prefix: str, device: torch.device) -> Params:
    return {
        n.removeprefix(prefix): t.to(device) for n, t in tensors.items() if n.startswith(prefix)
    }
