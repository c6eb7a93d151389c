"""Where a suite's corpora come from: the catalogue's files and the embedded default, or memory."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Protocol

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.sentence import Corpus


class CorpusSource(Protocol):
    """What loading a suite asks of the corpora."""

    def load(self, name: str) -> Corpus:
        """The corpus of a name; raises :class:`UserError` when it is absent or damaged."""

    def at_hand(self, name: str) -> bool:
        """Whether the text of a known corpus is on this machine."""

    def family(self, name: str) -> str:
        """The family of a known corpus, whether or not its text is at hand."""


class InstalledCorpora:
    """The corpora of the catalogue, looked for in ``data_dir`` first, and the synthetic ones.

    A corpus is read once in the life of the object.
    """

    def __init__(self, data_dir: Path | str | None = None) -> None:
        from fewshot_metalstm.data.catalogue import Catalogue

        self._data_dir = Path(data_dir) if data_dir is not None else None
        self._catalogue = Catalogue.load()
        self._demo_families = demo_families()
        self._read: dict[str, Corpus] = {}

    def load(self, name: str) -> Corpus:
        """The corpus of a name in the catalogue or the embedded default, or of a path."""
        if name not in self._read:
            if name in self._demo_families:
                self._read |= _generated()
            else:
                from fewshot_metalstm.kinds.tagging.corpora.store import load_corpus

                self._read[name] = load_corpus(
                    name, data_dir=self._data_dir, catalogue=self._catalogue
                )
        return self._read[name]

    def at_hand(self, name: str) -> bool:
        """Whether :meth:`load` has files to read for a corpus of the catalogue."""
        from fewshot_metalstm.data import locate

        if name in self._demo_families:
            return True
        return locate.find(self._catalogue[name], self._data_dir) is not None

    def types(self, name: str) -> tuple[str, ...]:
        """The entity types of a known corpus, whether or not its text is at hand."""
        return self.load(name).types if name in self._demo_families else self._catalogue[name].types

    def size(self, name: str, split: str) -> tuple[int | None, int | None]:
        """Sentences and mentions of a split of a known corpus; None where they are not known.

        Raises :class:`UserError` for a split that the corpus has not.
        """
        if name in self._demo_families:
            sentences = self.load(name).splits[split]
            return len(sentences), sum(tag[0] in "BS" for s in sentences for tag in s.tags)
        files = self._catalogue[name].files
        if split not in files:
            raise no_split(name, split)
        return files[split].sentences, files[split].mentions

    def family(self, name: str) -> str:
        """The family that the catalogue or the embedded default declares."""
        return self._demo_families.get(name) or self._catalogue[name].family


class CorporaInMemory:
    """Corpora that a program holds already, by name."""

    def __init__(
        self, corpora: Mapping[str, Corpus], families: Mapping[str, str] | None = None
    ) -> None:
        self._corpora = dict(corpora)
        self._families = dict(families or {})

    def load(self, name: str) -> Corpus:
        """The corpus of a name; raises :class:`UserError` when there is none."""
        if name not in self._corpora:
            raise UserError(f"corpus {name} is not in memory; give it with the others")
        return self._corpora[name]

    def at_hand(self, name: str) -> bool:
        """Whether there is a corpus of this name."""
        return name in self._corpora

    def family(self, name: str) -> str:
        """The family of a corpus in memory, or as given for one that is not."""
        if name in self._corpora:
            return self._corpora[name].family
        return self._families.get(name, name)


def no_split(corpus: str, split: str) -> UserError:
    """The error of a suite that wants a split which a corpus has not."""
    return UserError(
        f"corpus {corpus} has no {split} split, which its suite needs; add one, or name those "
        "that have one in the suite's file"
    )


@cache
def _generated() -> Mapping[str, Corpus]:
    """The synthetic corpora and the invented one, a function of nothing: made once a process."""
    from fewshot_metalstm.kinds.tagging.corpora.demo import METHODS, demo_corpora, methods_corpus

    return demo_corpora() | {METHODS: methods_corpus()}


def demo_families() -> dict[str, str]:
    """The family of every corpus of the embedded default."""
    from fewshot_metalstm.kinds.tagging.corpora.demo.families import FAMILIES
    from fewshot_metalstm.kinds.tagging.corpora.demo.invented import METHODS

    return {corpus: family.name for family in FAMILIES for corpus in family.corpora} | {
        METHODS: METHODS
    }
