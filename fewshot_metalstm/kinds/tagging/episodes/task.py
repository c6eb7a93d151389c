"""A task: a corpus and the entity types to be tagged in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fewshot_metalstm.kinds.tagging.corpora.sentence import Corpus, Sentence


@dataclass(frozen=True)
class Task:
    """A corpus and some of its entity types (protocol: "task").

    ``split(name)`` gives the sentences with every tag of another type replaced by ``O``.
    """

    name: str
    corpus: Corpus
    types: tuple[str, ...]

    @property
    def family(self) -> str:
        """The family of the corpus: corpora built on the same documents."""
        return self.corpus.family

    @property
    def kind(self) -> str:
        """The kind of task."""
        return "tagging"

    @property
    def data(self) -> str:
        """The name of the corpus."""
        return self.corpus.name

    @property
    def sizes(self) -> Mapping[str, int]:
        """Sentences of each split."""
        return {name: len(sentences) for name, sentences in self.corpus.splits.items()}

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 of each split's file."""
        return self.corpus.digests

    @property
    def synthetic(self) -> bool:
        """Whether its text was generated for this project."""
        return self.corpus.synthetic

    @property
    def invented(self) -> bool:
        """Whether its text was invented by hand for this project."""
        return self.corpus.invented

    @property
    def labels(self) -> tuple[str, ...]:
        """``O`` and then ``B-, I-, E-, S-`` of every type in the order of ``types``."""
        return ("O", *(f"{kind}-{name}" for name in self.types for kind in "BIES"))

    def split(self, name: str) -> tuple[Sentence, ...]:
        """Sentences of split ``name``; raises ``KeyError`` if the corpus has no such split."""
        return self._masked[name]

    def view(self, sentence: Sentence) -> Sentence:
        """A sentence of the corpus with every tag of another type replaced by ``O``."""
        if self._whole:
            return sentence
        tags = (tag if tag[2:] in self._kept else "O" for tag in sentence.tags)
        return Sentence(sentence.tokens, tuple(tags))

    @cached_property
    def _kept(self) -> frozenset[str]:
        return frozenset(self.types)

    @cached_property
    def _whole(self) -> bool:
        return self._kept == frozenset(self.corpus.types)

    @cached_property
    def _masked(self) -> dict[str, tuple[Sentence, ...]]:
        if self._whole:
            return dict(self.corpus.splits)
        return {
            split: tuple(self.view(sentence) for sentence in sentences)
            for split, sentences in self.corpus.splits.items()
        }
