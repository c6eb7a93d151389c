"""Characters that look like nothing, or like others: what a tagger meets and a reader does not."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator

from fewshot_metalstm.kinds.tagging.checking.finding import NOTE, WARNING, Finding
from fewshot_metalstm.kinds.tagging.checking.text import Text

_KINDS = {
    "replacement-characters": (
        WARNING, "tokens with U+FFFD, which stands for what a wrong decoding lost",
        "convert the source again, from the encoding that it is in",
    ),
    "control-characters": (WARNING, "tokens with control characters", "remove them"),
    "invisible-characters": (
        WARNING, "tokens with invisible characters (zero-width, soft hyphen, direction marks)",
        "remove them: the word with and the word without are two words to a tagger",
    ),
    "blanks-in-tokens": (
        NOTE, "tokens with a blank in them (a no-break space, say)", "split them if they are two",
    ),
    "private-characters": (
        WARNING, "tokens with characters of the private use area (a symbol font, say)",
        "replace them with the letters that they stand for",
    ),
    "decomposed-characters": (
        WARNING, "tokens whose accents stand apart from their letters (not in Unicode's form C)",
        "normalise the text to form C, and count offsets anew",
    ),
}  # fmt: skip


def odd_characters(text: Text, examples: int) -> Iterator[Finding]:
    """A finding for each kind of odd character that is in the text."""
    counts: dict[str, int] = defaultdict(int)
    places: dict[str, list[str]] = defaultdict(list)
    known: dict[str, list[tuple[str, str]]] = {}
    for placed in text.all():
        for number, token in enumerate(placed.sentence.tokens):
            if token.isascii() and token.isprintable():
                continue
            odd = known.get(token)
            if odd is None:
                odd = known[token] = list(kinds_in(token))
            for kind, what in odd:
                counts[kind] += 1
                if len(places[kind]) < examples:
                    places[kind].append(f"{placed.place(number)}: {what} in {ascii(token)[:60]}")
    for kind, (severity, problem, cure) in _KINDS.items():
        if counts[kind]:
            yield Finding(kind, severity, problem, counts[kind], cure, tuple(places[kind]))


def kinds_in(token: str) -> Iterator[tuple[str, str]]:
    """What is odd about a token, each kind once, with the character as ``U+200B``."""
    seen = set()
    for letter in token:
        kind = _kind(letter)
        if kind is not None and kind not in seen:
            seen.add(kind)
            yield kind, f"U+{ord(letter):04X}"
    composed = unicodedata.normalize("NFC", token)
    # Form C also takes some letters for others (the ohm sign for an omega): not meant here.
    if len(composed) < len(token):
        yield "decomposed-characters", f"{len(token)} characters for {len(composed)}"


def _kind(letter: str) -> str | None:
    if letter == "\N{REPLACEMENT CHARACTER}":
        return "replacement-characters"
    category = unicodedata.category(letter)
    if category == "Cc":
        return "control-characters"
    if category == "Cf":
        return "invisible-characters"
    if category == "Co":
        return "private-characters"
    if letter.isspace():
        return "blanks-in-tokens"
    return None
