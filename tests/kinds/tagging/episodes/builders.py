"""Hand-made sentences, corpora and tasks for the tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence

from fewshot_metalstm.kinds.tagging.corpora.sentence import Corpus, Sentence
from fewshot_metalstm.kinds.tagging.episodes.task import Task


def sentence(text: str) -> Sentence:
    """``the/O mouse/S-Species``: tokens and tags, a bare token being ``O``."""
    pairs = [word.rsplit("/", 1) if "/" in word else [word, "O"] for word in text.split()]
    return Sentence(tuple(p[0] for p in pairs), tuple(p[1] for p in pairs))


def corpus(
    name: str,
    train: Sequence[str],
    devel: Sequence[str] = (),
    test: Sequence[str] = (),
    family: str | None = None,
) -> Corpus:
    """A corpus of the given sentences; splits without sentences are absent."""
    splits = {
        split: tuple(sentence(text) for text in texts)
        for split, texts in (("train", train), ("devel", devel), ("test", test))
        if texts
    }
    types = {tag[2:] for held in splits.values() for s in held for tag in s.tags if tag != "O"}
    return Corpus(
        name=name,
        family=family or name,
        types=tuple(sorted(types)),
        splits=splits,
        digests={split: f"{name}-{split}" for split in splits},
    )


def task(
    name: str,
    train: Sequence[str],
    devel: Sequence[str] = (),
    test: Sequence[str] = (),
    family: str | None = None,
) -> Task:
    """A task over every type of :func:`corpus`."""
    held = corpus(name, train, devel, test, family=family)
    return Task(name, held, held.types)


def filler(name: str, bearing: int, free: int, kind: str = "X") -> list[str]:
    """Distinct sentences: ``bearing`` with one mention of ``kind``, ``free`` with none."""
    held = [f"{name}{i} has/O it{i}/S-{kind}" for i in range(bearing)]
    return held + [f"{name} plain {i}" for i in range(free)]
