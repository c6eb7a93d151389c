"""What an object of JSON looks like: annotation of some kind, or a text alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TAGS = ("ner_tags", "tags", "labels")
"""Keys of a list of tags beside ``tokens``."""

_OFFSETS = ("start", "begin", "offset", "start_offset", "startoffset", "span", "offsets", "end")
_OWN = ("passages", "sections", "sentences", "tokens", "meta", "id", "text", "relations")
_LOOKED_AT = 20  # items of a list


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


def _has_offsets(item: Any) -> bool:
    if isinstance(item, dict):
        return any(str(key).lower() in _OFFSETS for key in item)
    if isinstance(item, list) and len(item) >= 2:
        return all(isinstance(each, int) and not isinstance(each, bool) for each in item[:2])
    return False
