"""Whether the same words are annotated alike, and the same sentences stand where they should."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from fewshot_metalstm.kinds.tagging.checking.finding import ERROR, NOTE, WARNING, Finding
from fewshot_metalstm.kinds.tagging.checking.text import Placed, Text

SHARED_TEST = 0.5  # share of the test sentences seen in training that makes a score meaningless
Form = tuple[str, ...]


def surface_forms(text: Text, examples: int) -> Iterator[Finding]:
    """Words with several entity types, and words that are annotated here and not there."""
    types: dict[Form, Counter[str]] = defaultdict(Counter)
    first: dict[tuple[Form, str], str] = {}
    for placed in text.all():
        for span in placed.mentions:
            form = _form(placed.sentence.tokens[span.start : span.end])
            types[form][span.type] += 1
            if (form, span.type) not in first:
                first[form, span.type] = placed.place(span.start)
    several = {form: kinds for form, kinds in types.items() if len(kinds) > 1}
    if several:
        # Those whose rarer types stand most often: a slip is a few among many, a word with two
        # meanings is many of both.
        order = sorted(several, key=lambda f: (-sum(sorted(several[f].values())[:-1]), f))
        places = []
        for form in order[:examples]:
            each = ", ".join(
                f"{kind} {n} times (first at {first[form, kind]})"
                for kind, n in several[form].most_common()
            )
            places.append(f"{' '.join(form)!r}: {each}")
        yield Finding(
            "conflicting-types", WARNING, "words that are annotated with several entity types",
            len(several), "decide which it is, or make sure that the context tells", tuple(places),
        )  # fmt: skip
    yield from _untagged(text, types, examples)


def _untagged(
    text: Text, types: Mapping[Form, Counter[str]], examples: int
) -> Iterator[Finding]:  # fmt: skip
    starts: dict[str, list[Form]] = defaultdict(list)
    for form in types:
        starts[form[0]].append(form)
    for forms in starts.values():
        forms.sort(key=len, reverse=True)
    missed: Counter[Form] = Counter()
    first: dict[Form, str] = {}
    for placed in text.all():
        tokens = _form(placed.sentence.tokens)
        end = 0
        for start, token in enumerate(tokens):
            if start < end:
                continue
            for form in starts.get(token, ()):
                stop = start + len(form)
                if tokens[start:stop] == form:
                    end = stop
                    if all(tag == "O" for tag in placed.sentence.tags[start:stop]):
                        missed[form] += 1
                        first.setdefault(form, placed.place(start))
                    break
    # What is mostly annotated and sometimes not looks like an oversight; the other way round, it is
    # a common word.
    for form in [f for f, n in missed.items() if n > sum(types[f].values())]:
        del missed[form]
    if missed:
        order = sorted(missed, key=lambda f: (-min(missed[f], sum(types[f].values())), f))
        places = tuple(
            f"{' '.join(form)!r}: a mention {sum(types[form].values())} times, none {missed[form]} "
            f"times (first at {first[form]})"
            for form in order[:examples]
        )
        yield Finding(
            "sometimes-untagged", WARNING,
            "places where words that are a mention elsewhere are not annotated",
            sum(missed.values()),
            "annotate them too, or leave the annotation off where it is a slip", places,
        )  # fmt: skip


def duplicates(text: Text, examples: int) -> Iterator[Finding]:
    """The same sentence twice in a split, with the same tags or with others."""
    same, other = 0, 0
    places: list[str] = []
    conflicts: list[str] = []
    for sentences in text.splits.values():
        seen: dict[Form, Placed] = {}
        for placed in sentences:
            if len(placed.sentence) < 3:  # headings and the like
                continue
            earlier = seen.setdefault(placed.sentence.tokens, placed)
            if earlier is placed:
                continue
            alike = earlier.sentence.tags == placed.sentence.tags
            kept = places if alike else conflicts
            same, other = same + alike, other + (not alike)
            if len(kept) < examples:
                kept.append(f"{placed.place(0)} repeats {earlier.place(0)}")
    if other:
        yield Finding(
            "contradictions", WARNING, "sentences that stand twice, with different annotation",
            other, "decide for one of them", tuple(conflicts),
        )  # fmt: skip
    if same:
        yield Finding(
            "duplicates", NOTE, "sentences that stand twice in a split", same,
            "keep one: a repeated sentence is no further example", tuple(places),
        )  # fmt: skip


def overlaps(text: Text, examples: int) -> Iterator[Finding]:
    """Sentences of the test split that are learned from, or that devel shares with it."""
    keys = {split: _keys(sentences) for split, sentences in text.splits.items()}
    for one, other in (("train", "test"), ("devel", "test"), ("train", "devel")):
        if one not in keys or other not in keys:
            continue
        shared = [key for key in keys[other] if key in keys[one]]
        if not shared:
            continue
        grave = other == "test" and len(shared) >= SHARED_TEST * len(keys[other])
        places = tuple(
            f"{keys[other][key].place(0)} is {keys[one][key].place(0)}" for key in shared[:examples]
        )
        yield Finding(
            f"{one}-in-{other}", ERROR if grave else WARNING,
            f"distinct sentences of {other} that stand in {one} too "
            f"({100 * len(shared) / len(keys[other]):.1f}% of them)",
            len(shared), f"take them out of {one}: {other} shall measure what was not seen", places,
        )  # fmt: skip


def _keys(sentences: Sequence[Placed]) -> dict[Form, Placed]:
    found: dict[Form, Placed] = {}
    for placed in sentences:
        if len(placed.sentence) >= 3:
            found.setdefault(_form(placed.sentence.tokens), placed)
    return found


def _form(tokens: Sequence[str]) -> Form:
    return tuple(token.lower() for token in tokens)
