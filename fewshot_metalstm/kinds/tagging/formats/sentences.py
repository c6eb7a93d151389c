"""Documents to tokenised sentences and back, by character offsets.

Sentence and token bounds that a document brings are used; else they are found by rule
(:mod:`fewshot_metalstm.kinds.tagging.corpora.text`). A mention that begins or ends within a token
splits the token there, so that its tags say exactly what the offsets said; a mention that crosses
the end of a sentence joins the two. White space at a mention's ends is in no token. All three are
counted.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme, encode, spans
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence, Span
from fewshot_metalstm.kinds.tagging.corpora.text import split, tokenise
from fewshot_metalstm.kinds.tagging.formats.document import Bounds, Document, Mention
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.overlaps import ERROR, flat


@dataclass(frozen=True, slots=True)
class PlacedSentence:
    """A sentence, and the bounds of its tokens in the document's text."""

    sentence: Sentence
    offsets: tuple[Bounds, ...]


def to_sentences(
    document: Document, *, overlaps: str = ERROR, notes: Notes | None = None, place: str = ""
) -> list[PlacedSentence]:
    """The sentences of a document, tagged in IOBES with its mentions.

    Args:
        overlaps: what becomes of mentions that overlap or are discontinuous, see
            :mod:`fewshot_metalstm.kinds.tagging.formats.overlaps`.
        notes: counts what was split, joined, trimmed and left out.
        place: the file, for messages.

    Raises:
        UserError: overlapping, discontinuous or blank mentions under ``error``.
    """
    notes = Notes() if notes is None else notes
    document = flat(document, overlaps, notes, place)
    mentions = _trimmed(document, overlaps, notes, place)
    pieces = [list(tokens) for tokens in token_bounds(document)]
    pieces = _joined(pieces, mentions, notes)
    _cut(document.text, pieces, mentions, notes)
    return _placed(document.text, pieces, mentions)


def token_bounds(document: Document) -> Iterator[tuple[Bounds, ...]]:
    """The tokens of every sentence, without regard to mentions; together they hold all text."""
    text = document.text
    if document.sentences:
        bounds: list[Bounds] = _filled(text, document.sentences)
    elif document.tokens:
        bounds = [(0, len(text))]
    else:
        yield from (sentence.offsets for sentence in split(text))
        return
    tokens = _words(text, document.tokens)
    for start, end in bounds:
        if tokens:
            low, high = bisect_left(tokens, (start, 0)), bisect_left(tokens, (end, 0))
            chosen = tuple(tokens[low:high])
        else:
            chosen = tuple((start + a, start + b) for a, b in tokenise(text[start:end]))
        if chosen:
            yield chosen


def _words(text: str, given: Sequence[Bounds]) -> list[Bounds]:
    """The tokens given, without white space at their ends, and those of what lies between them."""
    if not given:
        return []
    tokens: list[Bounds] = []
    before = 0
    for start, end in [*given, (len(text), len(text))]:
        tokens += ((before + a, before + b) for a, b in tokenise(text[before:start]))
        word = text[start:end]
        if word.strip():
            tokens.append((start + len(word) - len(word.lstrip()), start + len(word.rstrip())))
        before = end
    return tokens


def _filled(text: str, given: Sequence[Bounds]) -> list[Bounds]:
    """The sentences given, and each stretch of text between them that is not blank."""
    bounds: list[Bounds] = []
    before = 0
    for start, end in [*given, (len(text), len(text))]:
        if text[before:start].strip():
            bounds.append((before, start))
        if start < end:
            bounds.append((start, end))
        before = end
    return bounds


def _trimmed(document: Document, overlaps: str, notes: Notes, place: str) -> list[Mention]:
    mentions = []
    for mention in document.mentions:
        words = document.text[mention.start : mention.end]
        start = mention.start + len(words) - len(words.lstrip())
        end = mention.end - (len(words) - len(words.rstrip()))
        if start >= end:
            if overlaps == ERROR:
                raise UserError(
                    f"{place}: document {document.id}: the {mention.type} at {mention.start}-"
                    f"{mention.end} is white space; remove it, or pass --overlaps longest"
                )
            notes["blank"] += 1
            continue
        notes["trimmed"] += (start, end) != (mention.start, mention.end)
        mentions.append(replace(mention, start=start, end=end))
    return mentions


def _joined(
    pieces: list[list[Bounds]], mentions: Sequence[Mention], notes: Notes
) -> list[list[Bounds]]:
    """Sentences, those that a mention crosses the end of made one."""
    ends = iter(mentions)
    mention = next(ends, None)
    result: list[list[Bounds]] = []
    for tokens in pieces:
        # The last mention that begins before this sentence: does it reach into it?
        reaching = False
        while mention is not None and mention.start < tokens[0][0]:
            if mention.end > tokens[0][0]:
                reaching = True
                break
            mention = next(ends, None)
        if result and reaching:
            notes["joined_sentences"] += 1
            result[-1] += tokens
        else:
            result.append(list(tokens))
    return result


def _cut(text: str, pieces: list[list[Bounds]], mentions: Sequence[Mention], notes: Notes) -> None:
    """Split tokens, in place, where a mention begins or ends within one."""
    cuts = sorted({edge for mention in mentions for edge in (mention.start, mention.end)})
    for number, tokens in enumerate(pieces):
        if bisect_left(cuts, tokens[-1][1]) == bisect_right(cuts, tokens[0][0]):
            continue
        result: list[Bounds] = []
        for start, end in tokens:
            inner = cuts[bisect_right(cuts, start) : bisect_left(cuts, end)]
            notes["split_tokens"] += bool(inner)
            edges = [start, *inner, end]
            for a, b in itertools.pairwise(edges):
                piece = text[a:b]  # a token that was given may hold white space
                if piece.strip():
                    result.append((a + len(piece) - len(piece.lstrip()), a + len(piece.rstrip())))
        pieces[number] = result


def _placed(
    text: str, pieces: Sequence[Sequence[Bounds]], mentions: Sequence[Mention]
) -> list[PlacedSentence]:
    placed = []
    starts = [mention.start for mention in mentions]
    for tokens in pieces:
        low, high = bisect_left(starts, tokens[0][0]), bisect_left(starts, tokens[-1][1])
        begins = [start for start, _ in tokens]
        found = []
        for mention in mentions[low:high]:
            first = bisect_left(begins, mention.start)
            found.append(Span(first, bisect_left(begins, mention.end), mention.type))
        tags = encode(found, len(tokens), Scheme.IOBES)
        words = tuple(text[start:end] for start, end in tokens)
        placed.append(PlacedSentence(Sentence(words, tags), tuple(tokens)))
    return placed


def mentions_of(tagged: Iterable[tuple[Sequence[Bounds], Sequence[str]]]) -> tuple[Mention, ...]:
    """The mentions that IOBES tags mark, from the tokens' bounds and the tags of sentences."""
    return tuple(
        Mention(offsets[span.start][0], offsets[span.end - 1][1], span.type)
        for offsets, tags in tagged
        for span in spans(tuple(tags))
    )
