"""Documents: text as bytes of UTF-8, with a title; and how they are read from files.

A model reads and writes bytes. There are 256 of them whatever the text is written in, so that no
character of any text is unknown, and none needs a price of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from fewshot_metalstm.data.text_files import BOM, check_text, read_bytes
from fewshot_metalstm.errors import at

_LOOKED_AT = 4096  # bytes by whose look a file is known as running text
_PROSE = 3  # words of a line of running text, at least, in the mean
_TAG = re.compile(r"O|[BIESLU]-\S+")  # what ends a line of a token with its tags


@dataclass(frozen=True)
class Document:
    """A text; ``data`` is UTF-8 and not empty."""

    title: str
    data: bytes

    @property
    def characters(self) -> int:
        """How many characters it has."""
        return len(self.data.decode())


def read_document(path: Path) -> Document:
    """A user's own text file, as it stands; a mark of byte order at its head is left out.

    Raises:
        UserError: no such file, one that is not UTF-8 text, or an empty one.
    """
    data = read_bytes(path).removeprefix(BOM)
    check_text(path, data)
    if not data:
        raise at(path, None, "is empty", "give a file with text")
    return Document(path.name.split(".")[0], data)


def looks_so(path: Path) -> bool:
    """Whether a file looks like running text: a ``.txt`` with sentences and no annotation.

    A text with annotation in a file beside it, or with columns, is not for a language model.
    """
    if path.suffix.lower() != ".txt" or path.with_suffix(".ann").exists():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_LOOKED_AT)
        text = head.decode("utf-8", errors="ignore")
    except OSError:
        return False
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or any("\t" in line for line in lines):
        return False
    words = [line.split() for line in lines]
    columns = len(lines) > 1 and len({len(each) for each in words}) == 1
    tagged = 2 * sum(_TAG.fullmatch(each[-1]) is not None for each in words) > len(lines)
    return sum(map(len, words)) >= _PROSE * len(lines) and not columns and not tagged
