"""Tasks of translation: sentence pairs of one topic, of one corpus or of a user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fewshot_metalstm.kinds.loaded_suite import EqualItems, LoadedSuite
from fewshot_metalstm.kinds.translation.pairs import KIND, Pairs

TRAIN, DEVEL, TEST = "train", "devel", "test"


@dataclass(frozen=True, eq=False)
class TranslationTask:
    """Sentence pairs in splits; ``languages`` is such as ``en-de``."""

    name: str
    family: str
    splits: Mapping[str, Pairs]
    languages: str
    data: str = ""
    synthetic: bool = False
    invented: bool = False

    @property
    def kind(self) -> str:
        """See :class:`fewshot_metalstm.kinds.kind.Task`."""
        return KIND

    @property
    def types(self) -> tuple[str, ...]:
        """From which language into which, by the name that every kind has for what there is."""
        return (self.languages,)

    @property
    def sizes(self) -> dict[str, int]:
        """Pairs of each split."""
        return {name: len(pairs) for name, pairs in self.splits.items()}

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of the pairs of each split."""
        return {name: pairs.digest for name, pairs in self.splits.items()}


LoadedPairs = LoadedSuite[TranslationTask, EqualItems]


def key_of(sentence: str) -> str:
    """What two sentences that are taken for equal share: lower case, whatever white space."""
    return " ".join(sentence.lower().split())


def without(pairs: Pairs, barred: frozenset[str]) -> Pairs:
    """Pairs without those whose sentence is in ``barred`` (of :func:`key_of`)."""
    kept = [i for i, source in enumerate(pairs.sources) if key_of(source) not in barred]
    return pairs if len(kept) == len(pairs) else pairs.at(kept)
