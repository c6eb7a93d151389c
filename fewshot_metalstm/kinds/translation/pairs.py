"""Sentence pairs: how they are stored in files, and how they are read.

Parallel text is two files, a sentence a line, whose lines belong together by number; or a table of
two columns with a tab between them. Reading is strict: a pair of which one side is missing says
that everything behind it may be shifted, and nothing can mend that but a person.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fewshot_metalstm.data.catalogue import CorpusEntry
from fewshot_metalstm.data.text_files import BOM, check_text, read_bytes, read_catalogued
from fewshot_metalstm.errors import at

KIND = "translation"
CORPUS = "multi30k"
SOURCE, TARGET = "en", "de"  # the languages of the catalogue's corpora
_TABLES = (".tsv", ".tab")
# UTF-8 bytes of a sentence, about 1,600 English words. What a translation takes grows with the
# square of it, as each subword that is written attends to all that were read: on one core two
# minutes for this, and hours for 30,000 words. No subword is shorter than a byte, whatever the
# script, so this bounds them for every model.
LONGEST = 10_000


@dataclass(frozen=True, eq=False)
class Pairs:
    """Sentences and what they are in the other language."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.sources)

    def at(self, places: Sequence[int]) -> Pairs:
        """Those at some places, in that order."""
        return Pairs(tuple(self.sources[i] for i in places), tuple(self.targets[i] for i in places))

    def __add__(self, other: Pairs) -> Pairs:
        return Pairs(self.sources + other.sources, self.targets + other.targets)

    @property
    def digest(self) -> str:
        """SHA-256 of the pairs, a line each."""
        found = hashlib.sha256()
        for source, target in zip(self.sources, self.targets, strict=True):
            found.update(f"{source}\t{target}\n".encode())
        return found.hexdigest()


def sentences(data: bytes) -> list[str]:
    """The lines of a text, without white space at their ends; entities of HTML as what they mean.

    Lines end with LF or CR LF alone: other characters that Python takes for an end of line stand
    within sentences.
    """
    lines = data.decode().split("\n")
    if lines and not lines[-1].strip():
        lines.pop()
    return [html.unescape(line).strip() for line in lines]


def plain(text: str) -> str:
    """A sentence on one line, with single spaces."""
    return " ".join(text.split())


def read_side(entry: CorpusEntry, file: str, data_dir: Path | None) -> list[str]:
    """One side of a corpus of the catalogue.

    Args:
        file: its key there, such as ``train.en``.

    Raises:
        UserError: it is absent, damaged or not the catalogue's.
    """
    return [plain(line) for line in sentences(read_catalogued(entry, file, data_dir)[1])]


def read_corpus(entry: CorpusEntry, split: str, data_dir: Path | None) -> Pairs:
    """A split of a corpus of the catalogue; errors as of :func:`read_side`."""
    sides = [tuple(read_side(entry, f"{split}.{each}", data_dir)) for each in (SOURCE, TARGET)]
    return Pairs(*sides)


def read_lines(path: Path) -> list[str]:
    """A user's own text, a sentence a line; gzip and bzip2 are unpacked.

    Raises:
        UserError: it cannot be read, is no UTF-8 text, or empty.
    """
    data = read_bytes(path).removeprefix(BOM)
    check_text(path, data)
    found = [line.rstrip("\r") for line in data.decode().split("\n")]
    if found and not found[-1].strip():
        found.pop()
    if not any(line.strip() for line in found):
        raise at(path, None, "is empty", "give a sentence a line")
    return found


def read_sentences(path: Path) -> list[str]:
    """The lines of a user's own text, as they are, each short enough to be translated.

    Raises:
        UserError: as of :func:`read_lines`, or a line is longer than can be translated.
    """
    found = read_lines(path)
    for number, line in enumerate(found, 1):
        _check_length(path, number, plain(line))
    return found


def too_long(sentence: str) -> str | None:
    """What is wrong with a sentence that is longer than :data:`LONGEST`; None of others."""
    size = len(sentence.encode())
    if size <= LONGEST:
        return None
    return f"is too long to translate: {size:,} bytes, and a sentence may have {LONGEST:,}"


def _check_length(path: Path, number: int, sentence: str) -> None:
    problem = too_long(sentence)
    if problem is not None:
        raise at(path, number, problem, "write a sentence a line")


def is_table(path: Path) -> bool:
    """Whether a file holds both sides, by its name; ``.gz`` or ``.bz2`` may stand behind."""
    name = path.name.lower().removesuffix(".gz").removesuffix(".bz2")
    return name.endswith(_TABLES)


def read_table(path: Path) -> Pairs:
    """A table with a pair a line: source, tab, target.

    Raises:
        UserError: it cannot be read, a line has not two columns, or one of them is empty, or longer
            than can be translated.
    """
    rows = []
    for number, line in enumerate(read_lines(path), 1):
        columns = line.split("\t")
        if len(columns) != 2:
            problem = f"has {len(columns)} columns and not two"
            raise at(path, number, problem, "write sentence, tab, translation")
        rows.append((plain(columns[0]), plain(columns[1])))
        for side, which in zip(rows[-1], ("first", "second"), strict=True):
            if not side:
                raise at(
                    path, number, f"its {which} column is empty", "fill it, or remove the line"
                )
            _check_length(path, number, side)
    return Pairs(tuple(row[0] for row in rows), tuple(row[1] for row in rows))


def read_files(source: Path, target: Path) -> Pairs:
    """Two files whose lines belong together by number.

    Raises:
        UserError: one cannot be read, they have not equally many lines, or a line is empty, or
            longer than can be translated.
    """
    sides = [[plain(line) for line in read_sentences(path)] for path in (source, target)]
    if len(sides[0]) != len(sides[1]):
        raise at(
            target, min(len(sides[0]), len(sides[1])) + 1,
            f"{source.name} has {len(sides[0])} lines and {target.name} {len(sides[1])}",
            "mend the files: line N of one has to be the translation of line N of the other",
        )  # fmt: skip
    for number, (one, other) in enumerate(zip(*sides, strict=True), 1):
        for path, side in ((source, one), (target, other)):
            if not side:
                raise at(path, number, "is empty", "fill it, or remove the line from both files")
    return Pairs(tuple(sides[0]), tuple(sides[1]))
