"""Topics: which sentences of a corpus are about one thing, as a file of the repository says.

``tasks/topics/multi30k.json`` has a letter for each sentence of the train split, in order, and the
SHA-256 of the sentences that the letters are for. ``scripts/make_topics.py`` made it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from fewshot_metalstm import declarations
from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.errors import at
from fewshot_metalstm.kinds.translation.pairs import CORPUS, Pairs

_FORMAT = 1
_CURE = "restore it, or install fewshot-metalstm again"
HELD_OUT = 4  # every fourth pair of a topic is its test split


@dataclass(frozen=True)
class Topics:
    """The topics of a corpus; ``letters`` has one for each of its sentences."""

    path: Path
    file: str  # which file of the corpus the letters are for
    sha256: str
    letters: str
    by_letter: Mapping[str, str]  # names of topics
    words: Mapping[str, str]  # by name: those that tell a topic from the others
    sizes: Mapping[str, int]  # by name

    @property
    def names(self) -> tuple[str, ...]:
        """Of all topics, in order."""
        return tuple(self.by_letter.values())

    def check(self, pairs: Pairs) -> None:
        """Refuse with a ``UserError`` sentences that are not those that the letters are for."""
        if sha256("\n".join(pairs.sources).encode()) != self.sha256:
            problem = f"is for other sentences than those of {CORPUS} at hand"
            raise at(self.path, None, problem, _CURE)

    def of(self, name: str, pairs: Pairs) -> Pairs:
        """The pairs of a topic, out of all of the corpus, in their order."""
        (letter,) = (letter for letter, own in self.by_letter.items() if own == name)
        return pairs.at([i for i, each in enumerate(self.letters) if each == letter])

    def split_sizes(self, name: str) -> tuple[int, int]:
        """How many pairs of a topic are for train and for test."""
        test = -(-self.sizes[name] // HELD_OUT)
        return self.sizes[name] - test, test


def load_topics() -> Topics:
    """The topics of multi30k; :class:`UserError` for a file that is absent or damaged."""
    return _parsed(_file())


def topic_names() -> tuple[str, ...]:
    """The names of all topics; none among declarations that have none."""
    return load_topics().names if _file().is_file() else ()


def _file() -> Path:
    return declarations.folder() / "topics" / f"{CORPUS}.json"


def split(pairs: Pairs) -> tuple[Pairs, Pairs]:
    """The train and the test split of a topic: every fourth pair, from the first, is for test."""
    places = range(len(pairs))
    return pairs.at([i for i in places if i % HELD_OUT]), pairs.at(places[::HELD_OUT])


@lru_cache(maxsize=4)
def _parsed(path: Path) -> Topics:
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != _FORMAT or data["corpus"] != CORPUS:
            raise ValueError(f"format {data['format']}, corpus {data['corpus']}")
        letters = "".join(data["of_sentences"])
        topics = data["topics"]
        by_letter = {letter: str(each["name"]) for letter, each in topics.items()}
        sizes = {own: letters.count(letter) for letter, own in by_letter.items()}
        if len(letters) != data["sentences"] or sum(sizes.values()) != len(letters):
            raise ValueError("letters and sentences do not go together")
        if len(sizes) != len(by_letter) or not all(sizes.values()):
            raise ValueError("two topics have one name, or one has no sentence")
        words = {str(each["name"]): str(each["words"]) for each in topics.values()}
        return Topics(path, data["file"], data["sha256"], letters, by_letter, words, sizes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise at(path, None, f"is no file of topics ({reason})", _CURE) from error
