"""Adapting a checkpoint to a target: every draw, every method, one report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm.adapt.cell import Cell, CellResult, Part, finish_cell, run_part
from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.methods import (
    BASELINES,
    Held,
    algorithm_of,
    do_cell,
    make_cell,
)
from fewshot_metalstm.adapt.report import AdaptReport, MethodReport
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.baselines import told_of
from fewshot_metalstm.kinds.tagging.adapt.crf_baseline import CrfConfig
from fewshot_metalstm.kinds.tagging.adapt.from_support import NeighboursConfig, PrototypesConfig
from fewshot_metalstm.kinds.tagging.adapt.self_training import (
    NO_TEXT,
    SelfTrainingConfig,
    Unlabelled,
    check_self_training,
    no_use,
    unlabelled_of,
)
from fewshot_metalstm.kinds.tagging.adapt.spacy_baseline import SpacyConfig
from fewshot_metalstm.kinds.tagging.adapt.transformer_baseline import TransformerConfig
from fewshot_metalstm.kinds.tagging.adapt.tuning import UNTUNED
from fewshot_metalstm.kinds.tagging.episodes.draws import load_draw
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, TaggerModel, load_model
from fewshot_metalstm.machine import cores, keep_freed_memory

LARGE = 600  # sentences times adaptations that take longer than a process to start


@dataclass(frozen=True)
class AdaptRunConfig:
    """Settings of an adaptation run."""

    shots: int = 50  # K for each entity type; 0 takes the whole train split as support
    draws: int = 5  # supports, drawn 0 to draws-1
    seed: int = 0  # of draws that are not frozen, of order and noise
    tune: str = "auto"  # all, basic (basic LSTM and head), head, or auto: by the checkpoint
    baselines: tuple[str, ...] = ()  # other ways to get a tagger, beside it
    score: bool = True  # score every tagger on the whole test split
    unlabelled: str = ""  # text for self-training: a file, or train: the target's own, without tags
    self_training: SelfTrainingConfig = field(default_factory=SelfTrainingConfig)
    adapt: AdaptConfig = field(default_factory=AdaptConfig)
    prototypes: PrototypesConfig = field(default_factory=PrototypesConfig)
    neighbours: NeighboursConfig = field(default_factory=NeighboursConfig)
    scratch: AdaptConfig = field(default_factory=lambda: AdaptConfig(optimiser="adam", lr=5e-3))
    crf: CrfConfig = field(default_factory=CrfConfig)
    spacy: SpacyConfig = field(default_factory=SpacyConfig)
    transformer: TransformerConfig = field(default_factory=TransformerConfig)


def adapt_target(
    checkpoint: Path,
    target: Task,
    config: AdaptRunConfig,
    output: Path,
    *,
    device: torch.device,
    workers: int = 0,
    on_cell: Callable[[CellResult], None] | None = None,
) -> AdaptReport:
    """Adapt the checkpoint to every draw of the target, score, and save the first draw's tagger.

    The checkpoint is only read, and only once. Cells run on ``workers`` processes (0: one a core),
    each in one thread, so that the numbers do not depend on how many there are.

    Raises:
        UserError: no such draw, a checkpoint that has seen the target, or an unknown setting.
    """
    for baseline in config.baselines:
        if baseline not in BASELINES:
            raise UserError(f"baseline {baseline!r} is unknown; use {', '.join(BASELINES)}")
    model = load_model(checkpoint, CHECKPOINT)
    notes = list(check_held_out(model, target))
    method = algorithm_of(model)
    supports, shortfalls = draw_supports(target, config)
    notes += shortfalls
    text = beside_support(target, config)
    notes += text.notes
    if not config.score:
        notes.append("nothing is scored, as was asked")
    elif "test" not in target.corpus.splits:
        notes.append(f"{target.name} has no test split, so that nothing is scored")
    tagger = output / "tagger"
    unlabelled = [
        text.for_support(target, support, config.self_training, config.seed, d)
        for d, support in enumerate(supports)
    ]
    cells = [
        make_cell(name, config, d, support, tagger if name == method and d == 0 else None,
                  score=config.score, unlabelled=unlabelled[d], again=config.self_training)
        for name in (method, *config.baselines) for d, support in enumerate(supports)
    ]  # fmt: skip
    results: list[CellResult] = []
    with _executor(model, target, device, workers or cores(), cells) as run:
        for result in run(cells):
            results.append(result)
            if on_cell is not None:
                on_cell(result)

    def of(name: str) -> MethodReport:
        called = next(cell.called for cell in cells if cell.method == name)
        own = (result for result in results if result.method == called)
        return MethodReport(called, tuple(sorted(own, key=lambda result: result.draw)))

    return AdaptReport(
        target.name, config.shots, cells[0].called, str(checkpoint), cells[0].tune,
        target.corpus.synthetic, of(method), tuple(of(b) for b in config.baselines),
        (*notes, *told_of(sorted(results, key=lambda r: (r.method, r.draw)))), str(tagger),
        target.corpus.invented, config.unlabelled,
    )  # fmt: skip


def beside_support(target: Task, config: AdaptRunConfig) -> Unlabelled:
    """The unlabelled text that a run names, if it names one.

    Raises:
        UserError: settings that mean nothing, a file that cannot be read, or one without a use.
    """
    if not config.unlabelled:
        return NO_TEXT
    check_self_training(config.self_training)
    if config.tune in UNTUNED:
        raise UserError(no_use(config.tune))
    return unlabelled_of(target, config.unlabelled)


def draw_supports(
    target: Task, config: AdaptRunConfig
) -> tuple[list[tuple[int, ...]], tuple[str, ...]]:
    """The supports of all draws, and a line for each that could not give K."""
    train = target.corpus.splits.get("train")
    if not train:
        raise UserError(f"{target.name} has no train split to draw a support from; add one")
    if config.shots == 0:
        return [tuple(range(len(train)))] * config.draws, ()
    draws = [load_draw(target, config.shots, d, seed=config.seed) for d in range(config.draws)]
    notes = [f"draw {d}: {s.shortfall}" for d, s in enumerate(draws) if s.shortfall]
    return [s.indices for s in draws], tuple(notes)


def check_held_out(model: TaggerModel, target: Task) -> tuple[str, ...]:
    """Refuse a target whose family the checkpoint has learned from; note a missing exclusion.

    That a target's text is invented is noted too.
    """
    if target.family in model.about.get("families", ()):
        raise UserError(
            f"the checkpoint was meta-trained on {target.name}'s family {target.family}, so that "
            "its score would mean nothing; meta-train with --exclude " + target.name
        )
    if target.corpus.invented:
        return (f"{target.name} is text invented for this project: its figures are no benchmark",)
    if "test" in target.corpus.splits and target.name not in model.about.get(
        "targets_excluded", ()
    ):
        return (
            f"the checkpoint's suite was not cleared of sentences equal to {target.name}'s test "
            "sentences",
        )
    return ()


CellRunner = Callable[[Sequence[Cell]], Iterator[CellResult]]


@contextmanager
def _executor(
    model: TaggerModel, target: Task, device: torch.device, workers: int, cells: Sequence[Cell]
) -> Iterator[CellRunner]:
    """A way to run cells, in this process or on several."""
    # Where there are fewer cells than processes, their adaptations run beside each other, if they
    # are long: a process takes as long to start as a small support to adapt to.
    work = max((len(cell.support) * cell.parts for cell in cells), default=0)
    apart = len(cells) < workers and work >= LARGE and not any(cell.unlabelled for cell in cells)
    jobs = sum(cell.parts for cell in cells) if apart else len(cells)
    if min(workers, jobs) <= 1 or device.type == "cuda":
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        keep_freed_memory()
        model.learner.to(device)
        held = Held(model, model.table())
        try:
            yield lambda todo: (do_cell(cell, target, lambda: held) for cell in todo)
        finally:
            torch.set_num_threads(threads)
        return
    pool = ProcessPoolExecutor(
        min(workers, jobs), get_context("spawn"), _start_worker, (model, target)
    )
    try:
        if apart:
            yield lambda todo: _in_parts(pool, todo, model, target)
        else:
            yield lambda todo: (
                future.result() for future in as_completed([pool.submit(_work, c) for c in todo])
            )
    finally:
        pool.shutdown(cancel_futures=True)


def _in_parts(
    pool: ProcessPoolExecutor, cells: Sequence[Cell], model: TaggerModel, target: Task
) -> Iterator[CellResult]:
    """Adapt on the pool, every adaptation a job of its own; average, score and save here."""
    whole = {i: pool.submit(_work, c) for i, c in enumerate(cells) if c.parts == 1}
    parted = {
        i: [pool.submit(_work_part, c, n) for n in range(c.parts)]
        for i, c in enumerate(cells) if c.parts > 1
    }  # fmt: skip
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for i, cell in enumerate(cells):
            if i in whole:
                yield whole[i].result()
                continue
            done = [future.result() for future in parted[i]]
            yield finish_cell(cell, done, model, target, model.table())
    finally:
        torch.set_num_threads(threads)


# What a worker process holds, set once when it starts.
_HELD: dict[str, Any] = {}


def _start_worker(model: TaggerModel, target: Task) -> None:
    torch.set_num_threads(1)
    keep_freed_memory()
    _HELD.update(model=model, table=model.table(), target=target)


def _work(cell: Cell) -> CellResult:
    return do_cell(cell, _HELD["target"], lambda: Held(_HELD["model"], _HELD["table"]))


def _work_part(cell: Cell, number: int) -> Part:
    return run_part(cell, number, _HELD["model"], _HELD["target"], _HELD["table"])
