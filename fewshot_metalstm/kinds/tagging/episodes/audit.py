"""The overlap between a suite's tasks and a target's test split, before and after exclusion.

Two measures. *Shared*: distinct test sentences whose lower-cased tokens equal those of a
sentence of the task; the rules of exclusion bring it to zero. *Near*: distinct test sentences,
not shared, at least half of whose 8-grams of lower-cased tokens stand in the task's text; the
protocol has no rule for these, so that a reader should know of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fewshot_metalstm.data.suites import load_suite
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.episodes.exclusion import keys
from fewshot_metalstm.kinds.tagging.episodes.load import (
    LoadedSuite,
    apply_rules,
    load_suite_tasks,
    load_target,
    read_tasks,
)
from fewshot_metalstm.kinds.tagging.episodes.source import InstalledCorpora
from fewshot_metalstm.kinds.tagging.episodes.task import Task

NGRAM = 8
NEAR_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Overlap:
    """Overlap of one task's split with the target's test split.

    ``sentences`` are the distinct sentences of the task's split; ``shared`` and ``near`` count
    distinct test sentences (``near`` None where it was not asked for). The ``_after`` numbers
    hold once the rules of exclusion are applied; a task of the target's family is then gone
    (``left_out``) and its numbers are zero.
    """

    task: str
    family: str
    split: str
    sentences: int
    shared: int
    near: int | None
    left_out: bool
    sentences_after: int
    shared_after: int
    near_after: int | None


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Overlaps of a suite with a target; ``own`` are those within the target itself.

    ``own`` tells how far the target's train and devel splits repeat its own test split. Supports
    are drawn from its train split as it is, so that this overlap stays.
    """

    suite: str
    target: str
    test_sentences: int
    overlaps: tuple[Overlap, ...]
    own: Mapping[str, int]

    @property
    def clean(self) -> bool:
        """Whether no task shares a sentence with the test split once the rules are applied."""
        return all(overlap.shared_after == 0 for overlap in self.overlaps)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        return {
            "suite": self.suite,
            "target": self.target,
            "test_sentences": self.test_sentences,
            "clean": self.clean,
            "own": dict(self.own),
            "overlaps": [asdict(overlap) for overlap in self.overlaps],
        }


def audit(
    suite: str,
    train: Sequence[Task],
    target: Task,
    *,
    validation: Sequence[Task] = (),
    near: bool = True,
) -> AuditReport:
    """Measure the overlap of a suite with ``target`` before and after the rules of exclusion.

    ``train`` and ``validation`` are the suite's tasks as they are before the rules; their
    ``train`` and ``devel`` splits are looked at. The numbers after the rules are measured on
    what the rules leave, not derived from them. ``near=False`` leaves out the slower measure.
    """
    after = apply_rules(suite, train, validation, [target])
    return compare(suite, train, target, after, validation=validation, near=near)


def compare(
    suite: str,
    train: Sequence[Task],
    target: Task,
    after: LoadedSuite,
    *,
    validation: Sequence[Task] = (),
    near: bool = True,
) -> AuditReport:
    """As :func:`audit`, with the result of the rules, whatever made it, given as ``after``."""
    probe = _Probe(target.corpus.splits.get("test", ()), near=near)
    rows = []
    for split, before, left in (
        ("train", train, after.train),
        ("devel", validation, after.validation),
    ):
        kept = {task.name: task for task in left}
        for task in before:
            sentences = task.corpus.splits[split]
            rest = kept[task.name].corpus.splits[split] if task.name in kept else ()
            counted, counted_after = probe.overlap(sentences), probe.overlap(rest)
            rows.append(
                Overlap(
                    task=task.name,
                    family=task.family,
                    split=split,
                    sentences=counted[0],
                    shared=counted[1],
                    near=counted[2],
                    left_out=task.name not in kept,
                    sentences_after=counted_after[0],
                    shared_after=counted_after[1],
                    near_after=counted_after[2],
                )
            )
    own = {
        split: probe.overlap(sentences)[1]
        for split, sentences in target.corpus.splits.items()
        if split != "test"
    }
    return AuditReport(suite, target.name, len(probe.keys), tuple(rows), own)


def audit_suite(
    suite_name: str,
    target: str | Task,
    *,
    data_dir: Path | str | None = None,
    near: bool = True,
) -> AuditReport:
    """Audit a declared suite as meta-training would load it for ``target``.

    Raises :class:`UserError` for what is unknown or absent, and for a target without test split.
    """
    source = InstalledCorpora(data_dir)
    suite = load_suite(suite_name)
    task = load_target(target, data_dir=data_dir) if isinstance(target, str) else target
    if not task.corpus.splits.get("test"):
        raise UserError(f"target {task.name} has no test split to audit; add one")
    after = load_suite_tasks(suite_name, exclude_targets=[task], source=source, suite=suite)
    return compare(
        suite.name,
        read_tasks(suite.tasks, source),
        task,
        after,
        validation=read_tasks(suite.validation, source),
        near=near,
    )


class _Probe:
    """A test split, ready to be compared with other text; equal texts are compared once."""

    def __init__(self, test: Iterable[Sentence], *, near: bool) -> None:
        self.keys = keys(test)
        self._near = near
        self._grams = {key: _grams(key) for key in self.keys} if near else {}
        self._wanted = frozenset().union(*self._grams.values())
        self._known: dict[frozenset[str], tuple[int, int, int | None]] = {}

    def overlap(self, sentences: Iterable[Sentence]) -> tuple[int, int, int | None]:
        """Distinct sentences, shared ones and near ones; see :class:`Overlap`."""
        text = keys(sentences)
        if text not in self._known:  # corpora of one family are often the same text
            self._known[text] = (len(text), len(text & self.keys), self._count_near(text))
        return self._known[text]

    def _count_near(self, text: frozenset[str]) -> int | None:
        if not self._near:
            return None
        found: set[int] = set()
        for key in text:
            found |= self._wanted & _grams(key)
        return sum(
            len(grams & found) >= NEAR_SHARE * len(grams)
            for key, grams in self._grams.items()
            if grams and key not in text
        )


def _grams(key: str) -> frozenset[int]:
    """Hashes of the 8-grams of a sentence's key; none for a shorter sentence."""
    tokens = key.split("\t")
    return frozenset(
        hash(tuple(tokens[start : start + NGRAM])) for start in range(len(tokens) - NGRAM + 1)
    )
