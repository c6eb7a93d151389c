"""Text of the user's, made harmless where it is shown.

A name in a file may hold escape sequences, which a terminal would obey: they can hide lines, change
what was printed before, or set the window's title. Shown instead is what Python writes for such a
character, ``\\x1b``. In a page of Markdown, which is HTML too, ``<`` and the bars of
tables are escaped as well.
"""

from __future__ import annotations

import json
import re
from typing import Any

# Controls of ASCII and of Latin-1 but tab and line feed; marks that turn the direction of what is
# shown; halves of surrogate pairs, which no output can encode.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_BREAKS = re.compile("[\t\n\u2028\u2029]")
_MARKDOWN = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "\\|"})


def printable(text: str) -> str:
    """``text`` without anything that a terminal obeys, but with its lines and tabs."""
    return _UNSAFE.sub(_escaped, text)


def encodable(text: str) -> bool:
    """Whether a text can be written as UTF-8; JSON can spell half a character: ``"\\ud800"``."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def in_field(text: str) -> str:
    """``text`` as a field of a line of a table: without tabs and line breaks too."""
    return _BREAKS.sub(_escaped, printable(text))


def in_markdown(text: str) -> str:
    """``text`` as a cell of a table, or a part of a line, of a page of Markdown."""
    return in_field(text).translate(_MARKDOWN)


def as_json(value: Any) -> str:
    """``value`` as JSON on a line, in which what a terminal obeys is escaped as JSON has it."""
    return _UNSAFE.sub(_json_escaped, json.dumps(value, ensure_ascii=False))


def _json_escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
