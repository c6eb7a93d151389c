"""A run of meta-training: a fresh model, joint training, the outer loop, the best checkpoint.

What is trained, and on what, a kind of task says, as a
:class:`~fewshot_metalstm.meta.source.TrainingSource`. The output folder holds ``config.yaml`` (the
resolved settings), ``history.jsonl`` (a line a step), ``state/`` (to resume from) and
``checkpoint/`` (the best model by meta-validation).
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import yaml

from fewshot_metalstm.config import dump, from_mapping
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.machine import keep_freed_memory, one_thread, peak_rss_mib
from fewshot_metalstm.meta.budget import settled
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.follow import episode_pool, parameter_facts, run_facts, start_of
from fewshot_metalstm.meta.history import History
from fewshot_metalstm.meta.joint import JointTraining, heads_in, state_of
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.make import make_algorithm
from fewshot_metalstm.meta.memory import MIB, Memory, measure
from fewshot_metalstm.meta.outcome import Interrupted, MetaTrainResult, Progress, Stoppable
from fewshot_metalstm.meta.outer import OuterLoop, StepRecord
from fewshot_metalstm.meta.plan import JOINT as JOINT_PHASE
from fewshot_metalstm.meta.plan import OUTER as OUTER_PHASE
from fewshot_metalstm.meta.plan import measured, plan_of, remaining
from fewshot_metalstm.meta.pool import EpisodePool
from fewshot_metalstm.meta.ranks import RankLost, Ranks
from fewshot_metalstm.meta.registry import JOINT
from fewshot_metalstm.meta.source import Preparation, TrainingSource
from fewshot_metalstm.meta.state import (
    State,
    load_state,
    optimiser_tensors,
    restore_optimiser,
    save_state,
)
from fewshot_metalstm.meta.stop import StopSignal
from fewshot_metalstm.seeds import torch_generator
from fewshot_metalstm.tracked_run import NullRun, Run
from fewshot_metalstm.writing import remove_left, write_text

SAVE_SECONDS = 60.0  # between two saves of the state


def meta_train(
    config: TrainingConfig,
    source: TrainingSource,
    output: Path,
    *,
    device: torch.device,
    workers: int = 0,
    resume: bool = False,
    run: Run | None = None,
    progress: Progress | None = None,
    ranks: Ranks | None = None,
) -> MetaTrainResult:
    """Meta-train the model of ``source`` and write it below ``output``.

    Args:
        workers: processes that share this rank's episodes of a step; 0 takes one a core. The
            result does not depend on it. A GPU is used by one process.
        resume: go on from the state in ``output``, to the same numbers as without the break.
        run: an open tracking run.
        ranks: of a run on several ranks, for rank 0; the others call
            :func:`~fewshot_metalstm.meta.follow.follow`.

    Raises:
        UserError: settings that cannot be, ``output`` in use, damaged state, losses that stay
            non-finite; a rank that was lost.
    """
    keep_freed_memory()
    config = settled(config)
    session = _Session(config, source, output, device, run or NullRun(), progress or Progress())
    session.ranks = ranks or session.ranks
    with StopSignal() as stop:
        session.ranks.same(run_facts(source))
        workers = workers or session.ranks.cores()
        session.prepare(resume, workers, stop)
        session.joint(stop)
        return session.outer(stop, workers)


@dataclass
class _Session:
    """One call of :func:`meta_train`, phase by phase."""

    config: TrainingConfig
    source: TrainingSource
    output: Path
    device: torch.device
    run: Run
    progress: Progress
    started: float = field(default_factory=time.perf_counter)
    spent: float = 0.0  # seconds of earlier sessions
    saved: float = field(default_factory=time.perf_counter)
    best: float = math.nan
    record: dict[str, Any] = field(default_factory=dict)
    state: State | None = None
    peak: float = 0.0  # MiB of memory, of the outer loop's processes together
    ranks: Ranks = field(default_factory=Ranks)
    memory: Memory | None = None  # of second order
    foreseen: bool = False  # whether the plan was told
    pending: bool = True  # whether the outer step that was done last has yet to be validated
    heads: dict[str, Params] = field(default_factory=dict)  # of joint training alone, by task
    trained: Mapping[str, Params] = field(default_factory=dict)  # joint training's heads, by task

    @cached_property
    def history(self) -> History:
        """The record of every step."""
        return History(self.output / "history.jsonl")

    def prepare(self, resume: bool, workers: int, stop: StopSignal) -> None:
        """A fresh model, or what an earlier session saved."""
        make_algorithm(self.config)  # refuses what cannot be, before anything is written
        initial = self.output / "state" / "initial"
        if resume:
            for written in (self._state_file, self.output / "checkpoint"):
                remove_left(written)  # of a kill just after the last write
            self.state = load_state(self._state_file)
            # Not as text: an earlier version may have written the sections in another order.
            began = yaml.safe_load(self.state.record["config"])
            if from_mapping(type(self.config), began, str(self._state_file)) != self.config:
                raise UserError(
                    f"{self.output}: --resume with other settings than the run began with; "
                    "give the same, or another --output"
                )
            self.record = dict(self.state.record)
            self.spent = float(self.record["seconds"])
            self.best = float(self.record["best"])
            self.model = self.source.load(initial)
            self.history.cut(self.record)
        else:
            write_text(dump(self.config), self.output / "config.yaml")
            self.history.begin()
            preparation = self.source.preparation() if plan_of(self.config).worth else None
            if preparation is not None:
                self._foresee(preparation, workers)
            self.model = self.source.fresh(Stoppable(self.progress, stop, self.output))
            self.source.save(self.model, initial, about={}, heads={})
        self.learner = self.model.learner.to(self.device)
        self.source.use(self.model, self.device)
        if not self.foreseen:
            self._foresee(None, workers)

    def _foresee(self, preparation: Preparation | None, workers: int) -> None:
        """Say about how long the run takes, from steps of a model that is not the run's own."""
        done = int(self.record.get("done", 0))
        outer = self.record.get("phase") == "outer"
        plan = plan_of(self.config)
        plan = remaining(plan, self.config, (plan.joint, done) if outer else (done, 0))
        model = None
        if preparation is not None:
            model = preparation.model
            model.learner.to(self.device)
            self.source.use(model, self.device)
            plan = replace(plan, before=(preparation.phase, preparation.steps, preparation.seconds))
        elif plan.worth:
            model = replace(self.model, learner=copy.deepcopy(self.learner))
        if model is not None:
            plan = measured(
                plan, self.config, self.source, model, workers * self.ranks.size, self.device
            )
        if self.state is not None:
            self.progress.note(plan.words)
        self.progress.note(plan.times)
        if plan.cost is not None:
            self.progress.note(plan.cost.words)
            if not self.run.resumed:  # what a run costs as a whole is kept, not what is left of it
                self.run.metrics(plan.cost.metrics)
        self.progress.plan(plan.phases)
        self.foreseen = True

    def joint(self, stop: StopSignal) -> None:
        """Joint training, unless it is done or left out."""
        config = self.config
        if config.start or config.joint.steps == 0 or self.record.get("phase") == "outer":
            if config.algorithm == JOINT and self.state is not None:
                self.heads = heads_in(self.state.tensors)
            return
        batches = self.source.joint()
        training = JointTraining(self.learner, batches.tasks(), config.joint)
        if self.state is not None:
            tensors = self.state.tensors
            self._restore(tensors)
            restore_optimiser(training.optimiser, tensors)
            training.done = int(self.record["done"])
            training.skipped = int(self.record["skipped"])
            for task, head in heads_in(tensors).items():
                for name, value in head.items():
                    training.heads[task][name].data.copy_(value)
        with one_thread():  # as in the outer loop
            self.progress.phase(JOINT_PHASE, config.joint.steps, training.done)
            while training.done < config.joint.steps:
                step = training.done
                noise = torch_generator(config.seed, "joint-noise", step)
                loss = training.step(batches.batch(step), noise)
                self.history.add({"phase": "joint", "step": step + 1, "loss": loss})
                self.run.log(step + 1, {"joint_loss": loss})
                self.progress.advance(step + 1, {"loss": loss})
                if stop.requested or self._due():
                    tensors = optimiser_tensors(training.optimiser) | state_of(training.heads)
                    self._save("joint", training.done, tensors, skipped=training.skipped)
                if stop.requested:
                    raise Interrupted(stop.requested, self.output)
        training.finish()
        self.trained = training.heads
        if config.algorithm == JOINT:
            self.heads = training.heads
        self.state = None

    def outer(self, stop: StopSignal, workers: int) -> MetaTrainResult:
        """The outer loop, with validation; the best checkpoint is kept."""
        config = self.config
        saved = self.record.get("phase") == "outer"
        self.source.before_outer(self.model, self.trained, saved=saved)
        make_algorithm(config).prepare(self.learner)
        loop = OuterLoop(self.learner, config.outer)
        if self.state is not None and self.record.get("phase") == "outer":
            self._restore(self.state.tensors)
            restore_optimiser(loop.optimiser, self.state.tensors)
            loop.done = int(self.record["done"])
            loop.skipped = int(self.record["skipped"])
            loop.barren = int(self.record["barren"])
        self.pending = bool(self.record.get("pending", loop.done == 0))
        finished = loop.done >= config.outer.steps and not self.pending
        if saved and (self.output / "checkpoint").is_dir():
            self.source.load(self.output / "checkpoint")  # refuses one that is damaged
            if finished:
                return self._result(loop)
        try:
            self._train(loop, stop, workers)
        except RankLost as loss:
            self._save_outer(loop)
            raise UserError(f"{loss}; {self.output} is saved, add --resume to go on") from loss
        return self._result(loop)

    def _train(self, loop: OuterLoop, stop: StopSignal, workers: int) -> None:
        config, ranks = self.config, self.ranks
        for note in self.source.notes():
            self.progress.note(note)
        if ranks.size > 1:
            ranks.give(start_of(self.model, loop))
            ranks.same(parameter_facts(self.learner))
            number = config.outer.meta_batch
            idle = f"; {ranks.size - number} have none" if ranks.size > number else ""
            self.progress.note(f"{ranks.size} ranks share the {number} episodes of a step{idle}")
        algorithm = make_algorithm(config)
        if loop.done < config.outer.steps:
            source = self.source.episodes()
            number = min(algorithm.tasks, config.outer.meta_batch)
            first = [source.episode(loop.done, i) for i in range(number)]
            # As it is at the end: an algorithm may begin with first order.
            self.memory = measure(algorithm.scheduled(1.0), self.learner, first)
        self.progress.phase(OUTER_PHASE, config.outer.steps, loop.done)
        with episode_pool(config, self.learner, self.source, self.device, workers, ranks) as pool:
            if self.memory is not None:
                self.progress.note(self.memory.summary(pool.processes))
            if self.pending:
                self._validate(loop, pool, loop.done)
                if loop.done == config.outer.steps:
                    self._save_outer(loop)
            for record in loop.run(pool):
                self._record(record)
                self.pending = self._time_to_validate(record.step)
                if self.pending:
                    self._validate(loop, pool, record.step)
                if stop.requested or self._due() or loop.done == config.outer.steps:
                    self._save_outer(loop)
                if stop.requested and loop.done < config.outer.steps:
                    raise Interrupted(stop.requested, self.output)
            self.peak = peak_rss_mib(pool.numbers)

    def _time_to_validate(self, step: int) -> bool:
        every = self.config.outer.validate_every
        return step == self.config.outer.steps or (every > 0 and step % every == 0)

    def _validate(self, loop: OuterLoop, pool: EpisodePool, step: int) -> None:
        """Score the learner and keep it if it is the best so far, or if nothing can be scored."""
        figure = self.source.figure
        value = math.nan
        if pool.validates and self.config.outer.validate_every > 0:
            value = pool.validate()
            found = pool.inspect()
            self.history.add({"phase": "validation", "step": step, figure.key: value, **found})
            self.run.log(step, {f"validation_{figure.key}": value, **found})
            shown = figure.shown(value)
            self.progress.note(f"outer step {step}: meta-validation {figure.label} {shown}")
        if math.isnan(value) or math.isnan(self.best) or figure.improves(value, self.best):
            self.best = value
            about = {
                "outer_step": step,
                f"validation_{figure.key}": None if math.isnan(value) else value,
            }
            checkpoint = self.output / "checkpoint"
            self.source.save(self.model, checkpoint, about=about, heads=self.heads)
        self.pending = False

    def _record(self, record: StepRecord) -> None:
        for name in record.skipped:
            self.progress.note(
                f"outer step {record.step}: episode {name} left out, its loss or gradient is "
                "not finite"
            )
        metrics = make_algorithm(self.config).metrics(self.learner)
        metrics.pop("inner_lr", None)  # the record has it
        self.history.add({"phase": "outer", **asdict(record), **metrics})
        figures = {
            "inner_lr": record.inner_lr,
            "outer_lr": record.outer_lr,
            "loss_before": record.query_loss_before,
            "loss_after": record.query_loss,
            "loss_support": record.support_loss,
            "inner_grad_norm": record.inner_norm,
            "outer_grad_norm": record.outer_norm,
            f"query_{self.source.figure.key}": record.query_figure,
        }
        logged = {**figures, **metrics}
        self.run.log(record.step, {k: v for k, v in logged.items() if not math.isnan(v)})
        best = f"validation_{self.source.figure.key}"
        self.progress.advance(record.step, {**figures, best: self.best})

    def _result(self, loop: OuterLoop) -> MetaTrainResult:
        best = f"best_validation_{self.source.figure.key}"
        self.run.metrics({} if math.isnan(self.best) else {best: self.best})
        return MetaTrainResult(
            self.output / "checkpoint", loop.done, self._seconds(),
            max(self.peak, peak_rss_mib()),
            self.best, loop.skipped, self.source.figure,
            None if self.memory is None else self.memory.step / MIB,
        )  # fmt: skip

    # Saving and going on

    @property
    def _state_file(self) -> Path:
        return self.output / "state" / "training.safetensors"

    def _seconds(self) -> float:
        return self.spent + time.perf_counter() - self.started

    def _due(self) -> bool:
        return time.perf_counter() - self.saved > SAVE_SECONDS

    def _save_outer(self, loop: OuterLoop) -> None:
        tensors = optimiser_tensors(loop.optimiser) | state_of(self.heads)
        self._save("outer", loop.done, tensors, skipped=loop.skipped, barren=loop.barren)

    def _save(
        self, phase: str, done: int, tensors: Mapping[str, Any], skipped: int, barren: int = 0
    ) -> None:
        weights = {f"learner.{n}": p for n, p in self.learner.named_parameters()}
        record = {
            "phase": phase, "done": done, "skipped": skipped, "barren": barren,
            "best": self.best, **self.history.mark(), "pending": self.pending,
            "seconds": self._seconds(), "config": dump(self.config), "run_id": self.run.id,
        }  # fmt: skip
        save_state(State({**weights, **tensors}, record), self._state_file)
        self.saved = time.perf_counter()

    def _restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self.learner.named_parameters():
                parameter.copy_(tensors[f"learner.{name}"])
