"""Mentions that cannot all be kept where each character has at most one.

Tags, and some formats, hold flat mentions: continuous, and apart from each other. The policy is

``error``
    the first discontinuous or overlapping mention stops the reader;
``longest``
    a discontinuous mention stands for all from its first character to its last ("head and neck
    cancer" for "head ... cancer"); of mentions that overlap the longest is kept, of equally long
    ones the first in the text, then the first in the file. What is joined and left out is counted.

Under both, a mention given twice (same place, same type) is one, which is counted too.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.formats.document import Document, Mention
from fewshot_metalstm.kinds.tagging.formats.notes import Notes

ERROR, LONGEST = "error", "longest"
POLICIES = (ERROR, LONGEST)
_CURE = "pass --overlaps longest to keep the longest, counted"


def continuous(document: Document, policy: str, notes: Notes, place: str) -> Document:
    """The document without discontinuous mentions; ``place`` is the file, for messages."""
    if not any(mention.fragments for mention in document.mentions):
        return document
    mentions = []
    for mention in document.mentions:
        if not _gaps(document.text, mention):
            mention = replace(mention, fragments=())
        elif policy == ERROR:
            raise _error(place, document, f"{_named(document, mention)} is discontinuous")
        else:
            notes["discontinuous"] += 1
            mention = replace(mention, fragments=())
        mentions.append(mention)
    return replace(document, mentions=tuple(mentions))


def flat(document: Document, policy: str, notes: Notes, place: str) -> Document:
    """The document with continuous mentions, none of which overlap, in the order of the text.

    Raises:
        UserError: the policy is ``error`` and there is a discontinuous or overlapping mention.
    """
    document = continuous(document, policy, notes, place)
    seen: dict[tuple[int, int, str], Mention] = {}
    for mention in document.mentions:
        seen.setdefault((mention.start, mention.end, mention.type), mention)
    notes["repeated"] += len(document.mentions) - len(seen)
    ordered = sorted(seen.values(), key=lambda m: (m.start, m.end))
    if all(a.end <= b.start for a, b in itertools.pairwise(ordered)):
        kept = ordered
    elif policy == ERROR:
        pairs = itertools.pairwise(ordered)
        one, other = next((a, b) for a, b in pairs if a.end > b.start)
        problem = f"{_named(document, one)} overlaps {_named(document, other)}"
        raise _error(place, document, problem)
    else:
        kept = _longest(list(seen.values()), len(document.text))
        notes["overlapping"] += len(ordered) - len(kept)
    return replace(document, mentions=tuple(kept))


def _longest(mentions: list[Mention], size: int) -> list[Mention]:
    """Greedily by length: what overlaps a longer one holds its first or last character."""
    kept: list[Mention] = []
    taken = bytearray(size)
    for mention in sorted(mentions, key=lambda m: (m.start - m.end, m.start)):
        if not taken[mention.start] and not taken[mention.end - 1]:
            taken[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
            kept.append(mention)
    return sorted(kept, key=lambda m: m.start)


def _gaps(text: str, mention: Mention) -> bool:
    """Whether more than line breaks lies between the fragments: brat cuts a mention at these."""
    pieces = mention.fragments
    return any(text[end:start].strip("\r\n") for (_, end), (start, _) in itertools.pairwise(pieces))


def _named(document: Document, mention: Mention) -> str:
    words = " ".join(document.text[mention.start : mention.end].split())
    short = words if len(words) <= 40 else f"{words[:37]}..."
    return f"{mention.type} {short!r} at {mention.start}-{mention.end}"


def _error(place: str, document: Document, problem: str) -> UserError:
    return UserError(f"{place}: document {document.id}: {problem}; {_CURE}")
