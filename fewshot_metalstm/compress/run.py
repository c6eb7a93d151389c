"""Compressing a saved model: load, compress and retrain, write, load again, score, report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from fewshot_metalstm.adapt.work import Loaded
from fewshot_metalstm.compress.account import Account
from fewshot_metalstm.compress.folder import (
    bytes_of,
    coded_vectors,
    compressible,
    write_compressed,
)
from fewshot_metalstm.compress.latency import latency
from fewshot_metalstm.compress.picture import draw
from fewshot_metalstm.compress.retrain import OnStep, Retraining, compressed
from fewshot_metalstm.compress.settings import CompressConfig, check
from fewshot_metalstm.compress.states import states_rounded
from fewshot_metalstm.config import as_mapping
from fewshot_metalstm.kinds.kind import Kind, Task
from fewshot_metalstm.machine import one_thread, processor
from fewshot_metalstm.writing import beside, write_text


@dataclass(frozen=True)
class Practice:
    """What a model is retrained on: items of a target's train split, by index."""

    task: Task
    support: Sequence[int]
    shots: int = 0  # for words: 0 stands for all of the split

    @property
    def called(self) -> str:
        """In words."""
        return f"{self.task.name}, {self.shots} shots" if self.shots else self.task.name


@dataclass(frozen=True)
class Exam:
    """What a model is scored on."""

    task: Task
    split: str

    @property
    def called(self) -> str:
        """In words."""
        return f"{self.task.name} ({self.split})"


def compress(
    kind: Kind, model: Path, output: Path, config: CompressConfig, *,
    practice: Practice | None = None, exam: Exam | None = None, on_step: OnStep | None = None,
) -> Account:  # fmt: skip
    """Compress the adapted model in the folder ``model``.

    ``output`` gets ``report.json``, ``report.md``, ``report.png`` and the model's folder, called
    as the kind calls its product.

    Args:
        practice: what to retrain on; None for pruning and packing alone.
        exam: what to score the model on before and after; None for nothing.
        on_step: called with the steps done, all of them, and the last loss.

    Raises:
        UserError: settings that mean nothing, no such model, or targets with types that it does
            not know.
    """
    check(config)
    compressible(kind, model)
    source = kind.load_model(model, kind.product)
    loaded = kind.loaded(source)
    if practice is not None:  # what is wrong with it is said before anything takes long
        kind.practice(loaded, practice.task, practice.support)
    before = None if exam is None else _score(kind, loaded, exam)
    vectors = {}
    if config.vectors:
        vectors = coded_vectors(model, config.vectors, config.seed)
        # What is retrained reads the vectors that the compressed model will read.
        with TemporaryDirectory() as folder:
            write_compressed(kind, model, {}, {}, vectors, Path(folder) / "model", {})
            source = kind.load_model(Path(folder) / "model", kind.product)
        loaded = kind.loaded(source)
    data = None
    if practice is not None:
        items, batch = kind.practice(loaded, practice.task, practice.support)
        data = Retraining(items, batch)
    with one_thread():  # so that the result does not depend on how many there are
        made = compressed(source.learner, config, data, on_step)
    place = output / kind.product
    facts = {
        "settings": as_mapping(config),
        "trained_on": practice.called if practice is not None else None, "steps": made.steps,
        "non_zero": sum(p.weights for each in made.stored.values() for p in each.matrices),
    }  # fmt: skip
    # The model is in its place when all is done, and nothing before.
    with beside(place) as new:
        write_compressed(kind, model, made.params, made.stored, vectors, new, facts)
        # What is scored is what was written, read as any program reads it.
        again = kind.load_model(new, kind.product)
        after = rounded = None
        if exam is not None:
            read = kind.loaded(again)
            after = _score(kind, read, exam)
            if config.int8:
                with states_rounded(again.learner) as possible:
                    rounded = _score(kind, read, exam) if possible else None
        matrices = [packed for each in made.stored.values() for packed in each.matrices]
        task = exam.task if exam is not None else practice.task if practice is not None else None
        account = Account(
            str(model), str(place), kind.name,
            kind.figure if task is None else kind.figure_of(task), config,
            "" if practice is None else practice.called, 0 if data is None else data.items, made,
            "" if exam is None else exam.called, before, after, rounded, bytes_of(model),
            bytes_of(new), latency(matrices, config.seed), processor(),
        )  # fmt: skip
        _write(account, output)
    return account


def _score(kind: Kind, loaded: Loaded, exam: Exam) -> float:
    with torch.no_grad():
        return float(kind.score(loaded, exam.task, exam.split).value)


def _write(account: Account, output: Path) -> None:
    text = json.dumps(account.as_dict(), indent=1, ensure_ascii=False) + "\n"
    write_text(text, output / "report.json")
    write_text(account.markdown(), output / "report.md")
    name, number, packed = max(
        ((name, number, packed) for name, each in account.made.stored.items()
         for number, packed in enumerate(each.matrices)),
        key=lambda found: found[2].values.size * (found[1] == 0),
    )  # fmt: skip
    caption = [
        f"{account.columns:,} columns in {account.packed_columns:,} packed ones; utilisation "
        f"{account.utilisation:.0%}"
    ]
    draw(f"{name}[{number}]" if len(account.made.stored[name].matrices) > 1 else name, packed,
         output / "report.png", caption)  # fmt: skip
