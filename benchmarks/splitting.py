"""How well raw text is split into sentences and tokens: ``python -m benchmarks.splitting``.

A corpus gives sentences of tokens and no text, so a text is made of it: the sentences of a split
one after another with a blank between them, as in an abstract, and within them the blanks that
print has (none before a comma, around a hyphen, in 0.05). That text is split again and compared:

- ends of sentences, by the characters that they stand after (the last end is left out: every
  splitter finds it). Titles and headings end without a stop, which running text does not show, so
  recall is also given over the ends at ``.``, ``!`` or ``?`` alone;
- tokens, by both their bounds. No blank was taken out between two letters or digits, so that what
  is made up of the text does not help.

Peers, where they are installed: pySBD, and spaCy's blank English with its sentencizer.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import timing
from fewshot_metalstm.kinds.tagging.corpora.store import load_corpus
from fewshot_metalstm.kinds.tagging.corpora.text import split

# One of each family that has documents of its own.
CORPORA = (
    "AnatEM", "BC2GM", "BC5CDR", "BioNLP11ID", "BioNLP13CG", "CRAFT", "JNLPBA", "NCBI-disease",
    "linnaeus",
)  # fmt: skip
STOPS = ".!?"
MATHS = frozenset(("=", "<", ">", "than"))  # before a number without its 0
CLOSING, OPENING, JOINING = frozenset(",.;:!?)]}%"), frozenset("([{"), frozenset("-/'")

Bounds = tuple[int, int]
Split = Callable[[str], tuple[list[int], list[Bounds]]]


@dataclass(frozen=True)
class Text:
    """A text, where its sentences end, and the bounds of its tokens."""

    text: str
    ends: tuple[int, ...]
    tokens: tuple[Bounds, ...]


def main() -> None:
    """Measure, print and write ``results/splitting.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--corpora", default=",".join(CORPORA))
    parser.add_argument("--part", default="devel", choices=("train", "devel", "test"))
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--errors", type=int, default=0, help="of each kind, contexts printed")
    given = parser.parse_args()
    ways = {"ours": ours, **peers()}
    rows, kept, digests = [], {}, {}
    for name in given.corpora.split(","):
        corpus = load_corpus(name, data_dir=given.data_dir)
        gold = printed([sentence.tokens for sentence in corpus.splits[given.part]])
        digests[name] = corpus.digests[given.part]
        for way, function in ways.items():
            began = time.perf_counter()
            ends, tokens = function(gold.text)
            seconds = time.perf_counter() - began
            figures = compared(gold, ends, tokens) | {"seconds": seconds}
            kept[f"{name} {way}"] = figures
            rows.append((name, way, *(f"{figures[key]:.1f}" for key in KEYS), f"{seconds:.2f} s"))
            if way == "ours" and given.errors:
                show_errors(gold, ends, tokens, given.errors)
    for way in ways:
        means = [sum(kept[f"{n} {way}"][key] for n in digests) / len(digests) for key in KEYS]
        rows.append(("mean", way, *(f"{mean:.1f}" for mean in means), ""))
    head = ("corpus", "by", "P ends", "R ends", "F1 ends", "R at stops", "F1 tokens", "time")
    timing.show(f"sentences and tokens, {given.part}", head, rows)
    timing.save("splitting", {
        **timing.machine("spacy", "pysbd"), "part": given.part, "sha256": digests, "figures": kept,
    })  # fmt: skip


KEYS = ("precision", "recall", "f1", "recall_at_stops", "f1_tokens")


def printed(sentences: Iterable[Sequence[str]]) -> Text:
    """Sentences of tokens as one text, with the blanks of print."""
    text: list[str] = []
    length = 0
    ends, tokens = [], []
    for sentence in sentences:
        quotes = 0
        before = ""  # nothing, or the token before
        decimal = initials = False  # whether that is the stop of a number, of a small letter
        for place, token in enumerate(sentence):
            after = sentence[place + 1][0] if place + 1 < len(sentence) else ""
            blank = (
                token[0] not in CLOSING | JOINING
                and before[-1:] not in OPENING | JOINING
                and not (token == '"' and quotes % 2)
                and not (before == '"' and quotes % 2)
                and not (decimal and token[0].isdigit())
                and not (initials and letter(token))  # i.e., e.g., i.v.
            ) or (token == "." and after.isdigit() and before in MATHS)
            initials = token == "." and letter(before)
            decimal = token == "." and (before[-1:].isdigit() or before in MATHS)
            if length and (blank or not before):
                text.append(" ")
                length += 1
            quotes += token == '"'
            tokens.append((length, length + len(token)))
            text.append(token)
            length += len(token)
            before = token
        ends.append(length)
    return Text("".join(text), tuple(ends), tuple(tokens))


def letter(token: str) -> bool:
    """Whether a token is a single small letter."""
    return len(token) == 1 and token.islower()


def ours(text: str) -> tuple[list[int], list[Bounds]]:
    """The ends of sentences and the bounds of tokens that this project finds."""
    sentences = split(text)
    return (
        [sentence.offsets[-1][1] for sentence in sentences],
        [bounds for sentence in sentences for bounds in sentence.offsets],
    )


def peers() -> dict[str, Split]:
    """What is installed to compare with."""
    found: dict[str, Split] = {}
    if importlib.util.find_spec("pysbd"):
        found["pysbd"] = by_pysbd
    if importlib.util.find_spec("spacy"):
        found["spacy"] = by_spacy
    return found


def by_pysbd(text: str) -> tuple[list[int], list[Bounds]]:
    """PySBD's sentences; it has no tokens."""
    import pysbd

    ends: list[int] = []
    for part in pieces(text):
        base = part[0]
        for span in pysbd.Segmenter(language="en", clean=False, char_span=True).segment(part[1]):
            ends.append(base + span.start + len(span.sent.rstrip()))
    return ends, []


def by_spacy(text: str) -> tuple[list[int], list[Bounds]]:
    """spaCy's sentences and tokens, by its rules for English."""
    import spacy

    language = spacy.blank("en")
    language.add_pipe("sentencizer")
    ends, tokens = [], []
    for base, part in pieces(text):
        document = language(part)
        ends += [base + sentence[-1].idx + len(sentence[-1]) for sentence in document.sents]
        tokens += [(base + t.idx, base + t.idx + len(t)) for t in document if not t.is_space]
    return ends, tokens


def pieces(text: str, size: int = 100_000) -> list[tuple[int, str]]:
    """A long text in pieces, cut at blanks, with where each begins; for peers with a limit."""
    cuts = [0]
    while cuts[-1] + size < len(text):
        cuts.append(text.rindex(" ", cuts[-1], cuts[-1] + size) + 1)
    return [(a, text[a:b]) for a, b in zip(cuts, [*cuts[1:], len(text)], strict=True)]


def compared(gold: Text, ends: Sequence[int], tokens: Sequence[Bounds]) -> dict[str, float]:
    """Precision, recall and F1 of ends, recall of those at stops, F1 of tokens; 0 to 100."""
    wanted, got = set(gold.ends[:-1]), set(ends[:-1])
    stops = {end for end in wanted if gold.text[:end].rstrip("\"')]")[-1:] in STOPS}
    precision, recall, f1 = rates(len(wanted & got), len(wanted), len(got))
    both = len(set(gold.tokens) & set(tokens))
    return {
        "precision": precision, "recall": recall, "f1": f1,
        "recall_at_stops": rates(len(stops & got), len(stops), 0)[1],
        "f1_tokens": rates(both, len(gold.tokens), len(tokens))[2],
        "sentences": len(gold.ends), "tokens": len(gold.tokens),
    }  # fmt: skip


def rates(right: int, wanted: int, got: int) -> tuple[float, float, float]:
    """Precision, recall and F1 of so many right ones; 0 where there is nothing to divide by."""
    return (
        100 * right / got if got else 0.0,
        100 * right / wanted if wanted else 0.0,
        200 * right / (wanted + got) if wanted + got else 0.0,
    )


def show_errors(gold: Text, ends: Sequence[int], tokens: Sequence[Bounds], most: int) -> None:
    """The commonest words before ends that are wrong or missing, and tokens that are missing."""
    wanted, got = set(gold.ends[:-1]), set(ends[:-1])
    for title, places in (("ends too many", got - wanted), ("ends too few", wanted - got)):
        around: Counter[str] = Counter()
        example = {}
        for place in sorted(places):
            words = gold.text[:place].rsplit(" ", 1)[-1]
            around[words] += 1
            example[words] = gold.text[max(0, place - 30) : place + 30]
        print(f"{title}: {len(places)}")
        for words, times in around.most_common(most):
            print(f"  {times:5}  {words!r}  {example[words]!r}")
    missing = Counter(gold.text[a:b] for a, b in set(gold.tokens) - set(tokens))
    print(f"tokens missed: {sum(missing.values())}", missing.most_common(most))


if __name__ == "__main__":
    main()
