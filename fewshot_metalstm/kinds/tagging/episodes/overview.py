"""What there is to meta-train on and to be scored on: sizes, types and families, as plain rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fewshot_metalstm.data.draws import FROZEN_DRAWS, draws_file
from fewshot_metalstm.data.splits import SPLITS
from fewshot_metalstm.data.suites import Suite, load_suites, load_targets
from fewshot_metalstm.kinds.tagging.episodes.draws import FROZEN_SHOTS
from fewshot_metalstm.kinds.tagging.episodes.sampling import count_mentions
from fewshot_metalstm.kinds.tagging.episodes.source import InstalledCorpora
from fewshot_metalstm.kinds.tagging.episodes.task import Task


@dataclass(frozen=True, slots=True)
class SuiteRow:
    """One suite; ``at_hand`` counts those of its ``corpora`` whose text is on this machine."""

    name: str
    description: str
    synthetic: bool
    exclude: str
    tasks: int
    validation: int
    corpora: int
    at_hand: int


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One target; ``sentences`` by split as the catalogue counted them."""

    name: str
    family: str
    types: tuple[str, ...]
    sentences: Mapping[str, int | None]
    synthetic: bool
    frozen_draws: int
    at_hand: bool


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task of a suite, before any rule of exclusion; None where a size is not known."""

    role: str
    name: str
    family: str
    split: str
    types: tuple[str, ...]
    sentences: int | None
    mentions: int | None
    at_hand: bool


@dataclass(frozen=True, slots=True)
class SplitRow:
    """One split of a task whose text was read; ``mentions`` by type."""

    split: str
    sentences: int
    bearing: int
    longest: int
    mentions: Mapping[str, int]
    sha256: str


def suite_rows(source: InstalledCorpora) -> tuple[SuiteRow, ...]:
    """Every declared suite."""
    return tuple(
        SuiteRow(
            name=suite.name,
            description=suite.description,
            synthetic=suite.synthetic,
            exclude=suite.exclude,
            tasks=len(suite.tasks),
            validation=len(suite.validation),
            corpora=len(suite.corpora),
            at_hand=sum(source.at_hand(name) for name in suite.corpora),
        )
        for suite in load_suites().values()
    )


def target_rows(source: InstalledCorpora) -> tuple[TargetRow, ...]:
    """Every declared target, the official ones first."""
    targets = load_targets()
    return tuple(
        TargetRow(
            name=name,
            family=source.family(name),
            types=source.types(name),
            sentences={split: source.size(name, split)[0] for split in SPLITS},
            synthetic=name in targets.synthetic,
            frozen_draws=len(FROZEN_SHOTS) * len(FROZEN_DRAWS) * draws_file(name).is_file(),
            at_hand=source.at_hand(name),
        )
        for name in targets.all
    )


def task_rows(suite: Suite, source: InstalledCorpora) -> tuple[TaskRow, ...]:
    """The tasks of a suite; mentions of a choice of types are not counted."""
    return tuple(
        TaskRow(
            role=role,
            name=spec.name,
            family=source.family(spec.corpus),
            split=spec.split,
            types=spec.types or source.types(spec.corpus),
            sentences=source.size(spec.corpus, spec.split)[0],
            mentions=None if spec.types else source.size(spec.corpus, spec.split)[1],
            at_hand=source.at_hand(spec.corpus),
        )
        for role, specs in (("meta-train", suite.tasks), ("meta-validation", suite.validation))
        for spec in specs
    )


def split_rows(task: Task) -> tuple[SplitRow, ...]:
    """The splits of a task."""
    rows = []
    for split, sentences in task.corpus.splits.items():
        counts = count_mentions(sentences, task.types)
        totals = counts.sum(axis=0).tolist()
        rows.append(
            SplitRow(
                split=split,
                sentences=len(sentences),
                bearing=int(counts.any(axis=1).sum()),
                longest=max(len(sentence) for sentence in sentences),
                mentions=dict(zip(task.types, totals, strict=True)),
                sha256=task.corpus.digests.get(split, ""),
            )
        )
    return tuple(rows)
