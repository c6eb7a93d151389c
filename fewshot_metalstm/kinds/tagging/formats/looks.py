"""What lines look like, columns or prose; and an object of JSON, annotation or a text alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

TAGS = ("ner_tags", "tags", "labels")
"""Keys of a list of tags beside ``tokens``."""

_OFFSETS = ("start", "begin", "offset", "start_offset", "startoffset", "span", "offsets", "end")
_NUMBERS = (
    "from", "to", "stop", "start_char", "end_char", "char_start", "char_end", "begin_offset",
    "end_offset", "beginoffset", "endoffset", "start_pos", "end_pos",
)  # fmt: skip
"""Keys that are offsets where their value is a number; a letter has `from` and `to`, too."""
_OWN = ("passages", "sections", "sentences", "tokens", "meta", "id", "text", "relations")
_LOOKED_AT = 20  # items of a list
_DEEP = 3  # lists in lists that are looked into: by type, say
_PROSE = 3  # words that no cell of a token's line has


def tabbed(lines: Iterable[str]) -> bool:
    """Whether there are lines in columns by tabs: not of number and sentence, say."""
    rows = [line.split("\t") for line in lines if "\t" in line.strip()]
    prose = sum(any(len(cell.split()) >= _PROSE for cell in row) for row in rows)
    return 2 * prose < len(rows)


def looks_so(record: Mapping[str, Any]) -> bool:
    """Whether an object has a list of tokens (as text) and one of tags."""
    tokens = record.get("tokens")
    words = isinstance(tokens, list) and all(isinstance(token, str) for token in tokens)
    return words and any(isinstance(record.get(key), list) for key in TAGS)


def is_tuple(value: Any) -> bool:
    """Whether a value is a text and an object with its entities."""
    return (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], Mapping)
        and "entities" in value[1]
    )


def like_annotation(record: Mapping[str, Any]) -> str | None:
    """A key of an object that holds a list of offsets and is none that is read; or None."""
    for key, value in record.items():
        if key in _OWN or not isinstance(value, (list, dict)):
            continue
        items = list(value.values()) if isinstance(value, dict) else value
        if any(map(_has_offsets, items[:_LOOKED_AT])):
            return key
    return None


def _has_offsets(item: Any, depth: int = _DEEP) -> bool:
    if isinstance(item, dict):
        return any(
            name in _OFFSETS or (name in _NUMBERS and _is_number(value))
            for name, value in ((str(key).lower(), value) for key, value in item.items())
        )
    if not isinstance(item, list) or not depth:
        return False
    if len(item) >= 2 and all(map(_is_number, item[:2])):
        return True
    return any(_has_offsets(each, depth - 1) for each in item[:_LOOKED_AT])


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
