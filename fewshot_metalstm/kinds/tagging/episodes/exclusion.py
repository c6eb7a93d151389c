"""The protocol's rules of exclusion, as pure functions on corpora.

A target's whole family stays out of meta-training and meta-validation, and so does every
sentence whose lower-cased tokens equal those of a sentence in the target's test split.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace

from fewshot_metalstm.kinds.tagging.corpora.sentence import Corpus, Sentence
from fewshot_metalstm.kinds.tagging.episodes.sampling import sentence_key
from fewshot_metalstm.kinds.tagging.episodes.task import Task


@dataclass(frozen=True, slots=True)
class Removal:
    """How many of a task's sentences a rule removed from a split, and why."""

    task: str
    split: str
    sentences: int
    removed: int
    reason: str


def keys(sentences: Iterable[Sentence]) -> frozenset[str]:
    """The distinct :func:`sentence_key` of some sentences."""
    return frozenset(sentence_key(sentence) for sentence in sentences)


def banned_keys(targets: Iterable[Task]) -> frozenset[str]:
    """Keys of every sentence in the test split of every target (none without one)."""
    return frozenset().union(*(keys(target.corpus.splits.get("test", ())) for target in targets))


def without(
    task: Task, split: str, banned: Container[str], reason: str
) -> tuple[Task, Removal | None]:
    """``task`` without the sentences of ``split`` whose key is ``banned``.

    The corpus keeps the digests of the files that it was read from: they say what was read, and
    the removal says what was left out of it.
    """
    sentences = task.corpus.splits[split]
    kept = tuple(s for s in sentences if sentence_key(s) not in banned)
    removed = len(sentences) - len(kept)
    if removed == 0:
        return task, None
    splits = {name: kept if name == split else held for name, held in task.corpus.splits.items()}
    corpus: Corpus = replace(task.corpus, splits=splits)
    removal = Removal(task.name, split, len(sentences), removed, reason)
    return Task(task.name, corpus, task.types), removal


def only(task: Task, split: str) -> Task:
    """``task`` with no other split than ``split``, so that no other can be learned from."""
    corpus = replace(
        task.corpus,
        splits={split: task.corpus.splits[split]},
        digests={name: d for name, d in task.corpus.digests.items() if name == split},
    )
    return Task(task.name, corpus, task.types)


def family_members(tasks: Sequence[Task], families: Container[str]) -> tuple[Task, ...]:
    """The tasks whose corpus belongs to one of ``families``."""
    return tuple(task for task in tasks if task.family in families)
