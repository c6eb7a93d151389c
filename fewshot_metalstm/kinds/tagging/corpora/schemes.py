"""Tag schemes: recognising, validating, mending and converting IOB1, IOB2, IOBES and BILOU.

The four ways of writing the same mentions (``X`` is an entity type):

========  ==========================================================================
IOB1      ``I-X`` inside; ``B-X`` only where a mention follows another of its own type
IOB2      ``B-X`` on the first token of every mention, ``I-X`` on the others
IOBES     ``B-X I-X ... E-X``, and ``S-X`` for a mention of one token (also "BIOES")
BILOU     the same with ``L`` for ``E`` and ``U`` for ``S``
========  ==========================================================================

The package works in IOBES throughout; readers convert on the way in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from fewshot_metalstm.kinds.tagging.corpora.sentence import Span


class Scheme(str, Enum):
    """A way of writing mentions as one tag a token."""

    IOB1 = "IOB1"
    IOB2 = "IOB2"
    IOBES = "IOBES"
    BILOU = "BILOU"

    def __str__(self) -> str:
        return self.value

    @classmethod
    def parse(cls, name: str) -> Scheme:
        """The scheme called ``name``, in any case, by its usual aliases too; else ValueError."""
        known = name.strip().upper()
        try:
            return cls(_ALIASES.get(known, known))
        except ValueError:
            choices = ", ".join(scheme.value for scheme in cls)
            raise ValueError(f"unknown tag scheme {name!r}; choose one of {choices}") from None


# "IOB" is no alias: some mean IOB1 by it and some IOB2
_ALIASES = {
    "BIO": "IOB2",
    "BIO2": "IOB2",
    "BIOES": "IOBES",
    "BILUO": "BILOU",
    "BIOLU": "BILOU",
}
_LETTERS = {
    Scheme.IOB1: frozenset("OIB"),
    Scheme.IOB2: frozenset("OIB"),
    Scheme.IOBES: frozenset("OIBES"),
    Scheme.BILOU: frozenset("OIBLU"),
}
_ANY_LETTER = frozenset("IBESLU")
TOKEN = "token"
"""The name of the scheme in which every token has one label, and no tag has a letter."""
# (single, first, middle, last) letters of a mention
_SHAPES = {
    Scheme.IOB2: ("B", "B", "I", "I"),
    Scheme.IOBES: ("S", "B", "I", "E"),
    Scheme.BILOU: ("U", "B", "I", "L"),
}


@dataclass(frozen=True, slots=True)
class Violation:
    """What is illegal in a tag sequence: the 0-based ``index`` of the tag and the ``reason``."""

    index: int
    reason: str


class IllegalTagsError(ValueError):
    """A tag sequence that its scheme forbids; ``violation`` says where and why."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(f"tag {violation.index + 1}: {violation.reason}")
        self.violation = violation


class Writing(Enum):
    """How tags are spelt: as the schemes say, as types alone, with other letters and marks, or as
    one label for every token.
    """

    STRICT = "strict"
    TYPES = "types"
    LENIENT = "lenient"
    TOKENS = "tokens"


def written_how(scheme: Scheme | str | None) -> tuple[Scheme | str | None, Writing]:
    """The scheme that tags are read in (None to detect it), and how they are spelt.

    ``IO`` writes a mention as its type on every token. That is IOB1 once each type has its ``I-``:
    two mentions of one type that touch are one, as the file does not tell them apart. ``lenient``
    takes ``b-Gene``, ``B_Gene`` and ``o`` for ``B-Gene`` and ``O``, in whatever scheme they are.
    ``token`` is one label for every token (a part of speech, say): that is IOBES once each has its
    ``S-``.
    """
    name = scheme.strip().lower() if isinstance(scheme, str) else ""
    if name == "io":
        return Scheme.IOB1, Writing.TYPES
    if name == "lenient":
        return None, Writing.LENIENT
    if name == TOKEN:
        return Scheme.IOBES, Writing.TOKENS
    return scheme, Writing.STRICT


def well_formed(tag: str) -> bool:
    """Whether ``tag`` is ``O`` or ``<letter>-<type>`` with a letter that some scheme has."""
    return tag == "O" or (len(tag) > 2 and tag[1] == "-" and tag[0] in _ANY_LETTER)


def violations(tags: Sequence[str], scheme: Scheme) -> list[Violation]:
    """Everything that ``scheme`` forbids in the tags of one sentence, in order."""
    found: list[Violation] = []
    letters = _LETTERS[scheme]
    closing = {Scheme.IOBES: "E", Scheme.BILOU: "L"}.get(scheme)
    previous, previous_type = "O", ""
    for index, tag in enumerate(tags):
        letter, kind = tag[:1], tag[2:]
        reason = None
        if not well_formed(tag):
            reason = f"{tag!r} is not O or <letter>-<type>"
            letter, kind = "O", ""
        elif letter not in letters:
            reason = f"{tag} does not belong to {scheme}"
        elif closing is not None:
            if previous in "BI":
                if letter not in ("I", closing) or kind != previous_type:
                    reason = f"{tag} after {previous}-{previous_type}, which leaves a mention open"
            elif letter in ("I", closing):
                reason = f"{tag} does not continue a mention of its type"
        elif previous == "O" or kind != previous_type:
            if scheme is Scheme.IOB2 and letter == "I":
                reason = f"{tag} does not continue a mention of its type"
            elif scheme is Scheme.IOB1 and letter == "B":
                reason = f"{tag} does not follow a mention of its type"
        if reason is not None:
            found.append(Violation(index, reason))
        previous, previous_type = letter, kind
    if closing is not None and previous in "BI":
        reason = f"{tags[-1]} at the end of a sentence leaves a mention open"
        found.append(Violation(len(tags) - 1, reason))
    return found


def validate(tags: Sequence[str], scheme: Scheme) -> None:
    """Raise :class:`IllegalTagsError` at the first tag that ``scheme`` forbids."""
    found = violations(tags, scheme)
    if found:
        raise IllegalTagsError(found[0])


def detect(tag_sequences: Iterable[Sequence[str]]) -> Scheme:
    """The scheme in which ``tag_sequences`` (the sentences of a whole corpus) are written.

    A tag in ``E`` or ``S`` says IOBES, one in ``L`` or ``U`` says BILOU. Where only ``B``, ``I``
    and ``O`` occur, the first mention of a sentence begins with ``B`` in IOB2 and with ``I`` in
    IOB1, so the two cannot be confused in legal text; in illegal text the one with fewer
    violations wins, IOB2 in a tie. Text without a mention is legal in all four and is called
    IOB2: judge all the files of a corpus together, not each alone.

    Raises ``ValueError`` where letters of IOBES and BILOU are mixed.
    """
    sequences = {tuple(tags) for tags in tag_sequences}
    letters = {tag[0] for tags in sequences for tag in tags if well_formed(tag)}
    iobes, bilou = letters & set("ES"), letters & set("LU")
    if iobes and bilou:
        mixed = ", ".join(sorted(iobes | bilou))
        raise ValueError(f"tags in {mixed} mix IOBES and BILOU")
    if iobes:
        return Scheme.IOBES
    if bilou:
        return Scheme.BILOU
    counts = {
        scheme: sum(len(violations(tags, scheme)) for tags in sequences)
        for scheme in (Scheme.IOB2, Scheme.IOB1)
    }
    return min(counts, key=lambda scheme: counts[scheme])


def decode(tags: Sequence[str]) -> list[Span]:
    """The mentions of a sentence in any of the four schemes, read leniently (as conlleval does).

    On legal tags this is exact, whatever the scheme. On illegal ones a mention begins at every
    tag that cannot continue the mention before it, and no tagged token is lost.
    """
    mentions: list[Span] = []
    start, open_type = 0, None
    for index, tag in enumerate(tags):
        letter, kind = tag[:1], tag[2:]
        if open_type is not None and (kind != open_type or letter not in "IEL"):
            mentions.append(Span(start, index, open_type))
            open_type = None
        if letter != "O" and open_type is None:
            start, open_type = index, kind
        if open_type is not None and letter in "ESLU":
            mentions.append(Span(start, index + 1, open_type))
            open_type = None
    if open_type is not None:
        mentions.append(Span(start, len(tags), open_type))
    return mentions


def encode(mentions: Iterable[Span], length: int, scheme: Scheme) -> tuple[str, ...]:
    """Tags of a sentence of ``length`` tokens that hold ``mentions`` (disjoint), in ``scheme``.

    Raises ``ValueError`` where a mention is empty, outside the sentence or overlaps another.
    """
    tags = ["O"] * length
    before: Span | None = None
    for span in sorted(mentions, key=lambda span: span.start):
        if not (before.end if before else 0) <= span.start < span.end <= length:
            raise ValueError(f"{span} is empty, overlaps another or leaves the sentence")
        if scheme is Scheme.IOB1:
            touches = before is not None and before.end == span.start and before.type == span.type
            first = "B" if touches else "I"
            single, middle, last = first, "I", "I"
        else:
            single, first, middle, last = _SHAPES[scheme]
        size = span.end - span.start
        shape = [single] if size == 1 else [first, *[middle] * (size - 2), last]
        tags[span.start : span.end] = [f"{letter}-{span.type}" for letter in shape]
        before = span
    return tuple(tags)


def to_iobes(tags: Sequence[str], scheme: Scheme) -> tuple[str, ...]:
    """``tags``, legal in ``scheme``, written in IOBES; raises :class:`IllegalTagsError`."""
    validate(tags, scheme)
    if scheme is Scheme.IOBES:
        return tuple(tags)
    return encode(decode(tags), len(tags), Scheme.IOBES)


def repair(tags: Sequence[str], scheme: Scheme) -> tuple[tuple[str, ...], int]:
    """``tags`` made legal in ``scheme``, and the number of tags that had to change.

    Mentions are read leniently (see :func:`decode`) and written again; legal tags come back
    unchanged with a count of 0. A malformed tag is beyond mending: ``IllegalTagsError``.
    """
    for index, tag in enumerate(tags):
        if not well_formed(tag):
            raise IllegalTagsError(Violation(index, f"{tag!r} is not O or <letter>-<type>"))
    mended = encode(decode(tags), len(tags), scheme)
    return mended, sum(old != new for old, new in zip(tags, mended, strict=True))


def spans(tags: Sequence[str]) -> list[Span]:
    """The mentions of a sentence tagged in IOBES, in order.

    Strict, as scoring is: ``S-X``, or ``B-X I-X* E-X``. Anything less is not a mention.
    """
    mentions: list[Span] = []
    start, open_type = 0, None
    for index, tag in enumerate(tags):
        if tag == "O":
            open_type = None
            continue
        letter, kind = tag[0], tag[2:]
        if letter == "S":
            mentions.append(Span(index, index + 1, kind))
            open_type = None
        elif letter == "B":
            start, open_type = index, kind
        elif kind != open_type:
            open_type = None
        elif letter == "E":
            mentions.append(Span(start, index + 1, kind))
            open_type = None
    return mentions
