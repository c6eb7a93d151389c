"""Whether there is enough of everything, and nothing is out of proportion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from statistics import median_low

from fewshot_metalstm.kinds.tagging.checking.finding import (
    ERROR,
    NOTE,
    WARNING,
    Finding,
    SplitFacts,
)
from fewshot_metalstm.kinds.tagging.checking.text import Text

FEW = 10  # mentions of a type from which little can be learned
RARE = 20  # times rarer than the commonest type
LONG = 150  # tokens of a sentence that is likely to be several
LONG_TOKEN = 60  # characters of a token that is likely to be none
BEARING = 0.95  # share of sentences with a mention that leaves too few without


def facts(text: Text) -> tuple[SplitFacts, ...]:
    """What the splits hold."""
    found = []
    for split, sentences in text.splits.items():
        lengths = [len(placed.sentence) for placed in sentences] or [0]
        mentions = [placed.mentions for placed in sentences]
        counts = Counter(span.type for spans in mentions for span in spans)
        found.append(
            SplitFacts(
                split, len(sentences), sum(map(bool, mentions)), sum(lengths),
                dict(counts.most_common()), median_low(lengths), max(lengths),
            )
        )  # fmt: skip
    return tuple(found)


def amounts(text: Text, splits: tuple[SplitFacts, ...]) -> Iterator[Finding]:
    """Too few mentions, one type far rarer than another, splits without any."""
    if text.format == "text":
        yield Finding(
            "no-annotation", NOTE, "raw text, which holds no annotation: its characters and "
            "lengths alone were looked at", 1, "annotate it, or tag it with `predict`",
        )  # fmt: skip
        return
    learned = next((each for each in splits if each.split in ("train", "")), None)
    for each in splits:
        if not each.mentions:
            name = f"the {each.split} split" if each.split else "the text"
            grave = each is learned
            yield Finding(
                "no-mention", ERROR if grave else WARNING, f"{name} holds no mention", 1,
                "annotate some, or check that the tags are in the last column",
            )  # fmt: skip
    if learned is None or not learned.mentions:
        return
    for kind, count in learned.mentions.items():
        if count < FEW:
            yield Finding(
                "few-mentions", WARNING, f"{kind} has {count} mentions to learn from", count,
                f"annotate more of them: {FEW} or more, and 50 are better",
            )  # fmt: skip
    commonest, most = next(iter(learned.mentions.items()))
    rare = [kind for kind, count in learned.mentions.items() if count * RARE < most]
    if rare:
        yield Finding(
            "imbalanced", WARNING, f"types more than {RARE} times rarer than {commonest}: "
            f"{', '.join(rare)}", len(rare),
            "annotate more of them" + ("" if text.labels else ", or leave them out with --type"),
        )  # fmt: skip
    enough = learned.sentences >= FEW and not text.labels
    if enough and learned.bearing > BEARING * learned.sentences:
        yield Finding(
            "no-negatives", WARNING, f"{learned.bearing} of {learned.sentences} sentences hold a "
            "mention", learned.bearing, "add sentences without one, as real text has: a tagger "
            "that never saw any finds mentions everywhere",
        )  # fmt: skip
    yield from _types(splits, learned, labels=text.labels)


def _types(
    splits: tuple[SplitFacts, ...], learned: SplitFacts, *, labels: bool
) -> Iterator[Finding]:
    alike: dict[str, set[str]] = {}
    for each in splits:
        for kind in each.mentions:
            key = "".join(letter for letter in kind.lower() if letter.isalnum()).rstrip("s")
            alike.setdefault(key, set()).add(kind)
    for kinds in alike.values():
        if len(kinds) > 1 and not labels:  # those of a tag set differ in a sign or letter
            yield Finding(
                "similar-types", WARNING, f"entity types that look like one: "
                f"{', '.join(sorted(kinds))}", len(kinds), "write them alike, if they are one",
            )  # fmt: skip
    unlearned = sorted({k for each in splits for k in each.mentions} - set(learned.mentions))
    if unlearned:
        yield Finding(
            "unlearned-types", WARNING, f"entity types of another split that {learned.split} "
            f"lacks: {', '.join(unlearned)}", len(unlearned),
            f"annotate some in {learned.split}, or take them out of the other",
        )  # fmt: skip


def lengths(text: Text, examples: int) -> Iterator[Finding]:
    """Sentences and tokens that are likely to be several."""
    sentences: list[str] = []
    tokens: list[str] = []
    long, wide = 0, 0
    for placed in text.all():
        if len(placed.sentence) > LONG:
            long += 1
            if len(sentences) < examples:
                sentences.append(f"{placed.place(0)}: {len(placed.sentence)} tokens")
        for number, token in enumerate(placed.sentence.tokens):
            if len(token) > LONG_TOKEN:
                wide += 1
                if len(tokens) < examples:
                    tokens.append(f"{placed.place(number)}: {token[:40]!r}... ({len(token)})")
    if long:
        yield Finding(
            "long-sentences", WARNING, f"sentences of more than {LONG} tokens", long,
            "split them where sentences end; is an empty line missing?", tuple(sentences),
        )  # fmt: skip
    if wide:
        yield Finding(
            "long-tokens", NOTE, f"tokens of more than {LONG_TOKEN} characters", wide,
            "split them, unless they are sequences or addresses", tuple(tokens),
        )  # fmt: skip


def edges(text: Text, examples: int) -> Iterator[Finding]:
    """Mentions that begin or end with punctuation, which is seldom meant."""
    count = 0
    places: list[str] = []
    for placed in text.all():
        for span in placed.mentions:
            tokens = placed.sentence.tokens
            first, last = tokens[span.start], tokens[span.end - 1]
            if first in ",.;:)]}" or last in ",;:([{" or (last == "." and span.end == len(tokens)):
                count += 1
                if len(places) < examples:
                    words = placed.words(span)
                    places.append(f"{placed.place(span.start)}: {span.type} {words[:60]!r}")
    if count:
        yield Finding(
            "punctuation", WARNING, "mentions that begin or end with punctuation", count,
            "leave the punctuation out, unless it belongs to the name", tuple(places),
        )  # fmt: skip
