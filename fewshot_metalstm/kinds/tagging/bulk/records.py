"""What a reader gives: documents, and what could not be read as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from fewshot_metalstm.printable import encodable

# A longer document is refused as a bad record, so that one of them cannot take all memory.
MAX_CHARACTERS = 1_000_000


@dataclass(frozen=True)
class Record:
    """A document. ``sections`` are parts of ``text`` by name, as (start, end) in characters."""

    id: str
    text: str
    sections: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class BadRecord:
    """A record that was passed over: its number in the file (from 1) and why."""

    number: int
    reason: str
    id: str | None = None


Item: TypeAlias = Record | BadRecord
Items: TypeAlias = Iterator[Item]


def checked(number: int, record: Record) -> Item:
    """The record, or a bad one if it is too long or cannot be written as UTF-8."""
    if len(record.text) > MAX_CHARACTERS:
        reason = f"has {len(record.text)} characters; more than {MAX_CHARACTERS} are not read"
        return BadRecord(number, reason, record.id)
    if not encodable(record.id + record.text):
        return BadRecord(number, "holds a lone surrogate, which is no character", record.id)
    return record
