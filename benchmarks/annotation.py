"""What annotating with proposals saves: ``python -m benchmarks.annotation --target NAME``.

A person is simulated who sees sentences of a corpus, knows its annotation, and does on the page of
``annotate`` what makes each sentence right with few keys or few strokes of the mouse
(:mod:`benchmarks.presses`). Sentences come in the order that the page gives, and the tagger is
adapted when the page has it adapted; here the person waits for it. The same sentences are done
without proposals, and other sentences, at random, are done for as many taggers. Printed: keys and
strokes a mention with and without proposals, and strict F1 on the test split after so many
annotated sentences, in the page's order and at random; means over draws (pools and orders) with 95%
intervals, and differences paired by draw. The checkpoint must not have learned from the target.

``--output`` is written a line a sitting, and those that are there are not done again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import torch

from benchmarks.presses import Shown, Sure, keys, strokes
from fewshot_metalstm import pretrained, runs
from fewshot_metalstm.figure import interval
from fewshot_metalstm.kinds.tagging.annotate.adapter import BATCH, FIRST_AFTER
from fewshot_metalstm.kinds.tagging.annotate.learning import Learning, Proposals, Spans
from fewshot_metalstm.kinds.tagging.annotate.text import Text, Where
from fewshot_metalstm.kinds.tagging.corpora.schemes import spans
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence, Span
from fewshot_metalstm.kinds.tagging.episodes.load import load_target
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.confidence import read
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel
from fewshot_metalstm.kinds.tagging.tagger.scoring import strict_scores
from fewshot_metalstm.seeds import derive, numpy_generator

CHOSEN, RANDOM = "chosen", "random"


@dataclass(frozen=True)
class Given:
    """What is simulated."""

    checkpoint: Path
    sizes: tuple[int, ...]
    more: tuple[int, ...]
    pool: int
    test: int


def simulate(
    target: Task, way: str, draw: int, given: Given
) -> tuple[list[dict[str, Any]], dict[int, float]]:
    """Sentence by sentence what was shown, and F1 by the number of annotated sentences."""
    train = target.split("train")
    order = numpy_generator(draw, "annotation", target.name).permutation(len(train))
    pool = [train[int(i)] for i in order[: given.pool]]
    text = as_text(pool)
    sizes = given.sizes if way == CHOSEN else (*given.sizes, *given.more)
    seen: list[dict[str, Any]] = []
    scores: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        seed = derive(draw, "annotation")
        learning = Learning(text, given.checkpoint, (), seed % 2**31, Path(folder) / "tagger")
        queue = list(range(len(pool)))  # in a random order already
        if way == CHOSEN:
            queue = learning.first(BATCH, [])
        done: list[int] = []
        due = FIRST_AFTER
        while len(done) < max(sizes):
            number = queue.pop(0)
            shown = learning.read([number]) if way == CHOSEN else Proposals({}, {})
            seen.append(as_seen(pool[number], shown, number, text))
            done.append(number)
            measured = len(done) in sizes
            if not measured and (way == RANDOM or len(done) < due):
                continue
            examples = [example(i, pool[i], text) for i in done]
            if not any(each["spans"] for each in examples):
                continue
            made = learning.adapt(examples)
            if way == CHOSEN and len(done) >= due:
                due = len(done) + max(FIRST_AFTER, len(done) // 5)
                queue = learning.next(BATCH, done, examples)[0]
            if measured:
                scores[len(done)] = scored(made, target, given.test)
    return seen, scores


def scored(made: TaggerModel, target: Task, number: int) -> float:
    """Strict F1 on the test split, or on so many sentences of it, the same for every tagger."""
    test = target.split("test")
    order = numpy_generator(0, "annotation", "test", target.name).permutation(len(test))
    chosen = [test[int(i)] for i in order[: number or None]]
    tags = [each.tags for each in read(made, [each.tokens for each in chosen])]
    return strict_scores([each.tags for each in chosen], tags).f1


def as_seen(sentence: Sentence, proposals: Proposals, number: int, text: Text) -> dict[str, Any]:
    """A sentence's mentions, and what the page shows with it: spans as start, end and type."""
    starts = {start: i for i, (start, _) in enumerate(text.tokens(number))}
    ends = {end: i + 1 for i, (_, end) in enumerate(text.tokens(number))}

    def spans_of(found: Spans) -> list[Any]:
        return [[starts[a], ends[b], name, sure] for name, ((a, b),), sure in found.get(number, ())]

    return {
        "gold": [[span.start, span.end, span.type] for span in spans(sentence.tags)],
        "length": len(sentence.tokens), "proposals": spans_of(proposals.of),
        "likely": spans_of(proposals.likely),
    }  # fmt: skip


def costs(seen: Mapping[str, Any]) -> dict[str, int]:
    """What a sentence costs with proposals and without."""
    gold = [Span(*each) for each in seen["gold"]]

    def sure(name: str) -> tuple[Sure, ...]:
        return tuple((Span(*each[:3]), each[3]) for each in seen[name])

    shown, alone = Shown(seen["length"], sure("proposals"), sure("likely")), Shown(seen["length"])
    return {
        "mentions": len(gold), "keys": keys(gold, shown), "strokes": strokes(gold, shown),
        "keys_alone": keys(gold, alone), "strokes_alone": strokes(gold, alone),
    }  # fmt: skip


def as_text(sentences: Sequence[Sentence]) -> Text:
    """Sentences as the text of a project, a document each."""
    records, places = [], []
    for number, sentence in enumerate(sentences):
        bounds, end = [], 0
        for token in sentence.tokens:
            bounds.append([end, end + len(token)])
            end += len(token) + 1
        words = " ".join(sentence.tokens)
        records.append({"id": str(number), "text": words, "mentions": [], "tokens": bounds})
        places.append(Where(number, 0, len(words)))
    return Text(records, places)


def example(number: int, sentence: Sentence, text: Text) -> dict[str, Any]:
    """An annotated sentence, as the page's process is given it."""
    bounds = text.tokens(number)
    return {"sentence": number, "spans": [
        [span.type, [[bounds[span.start][0], bounds[span.end - 1][1]]]]
        for span in spans(sentence.tags)
    ]}  # fmt: skip


def main() -> None:
    """Simulate and print; with ``--output`` go on with what was measured there."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--target", action="append", required=True)
    parser.add_argument("--checkpoint", default="bionlp")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 20, 50, 100])
    parser.add_argument("--more", type=int, nargs="*", default=[75], help="sizes at random alone")
    parser.add_argument("--pool", type=int, default=1000)
    parser.add_argument("--test", type=int, default=0, help="test sentences scored; 0: all")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    folder = runs.model_folder(Path(asked.checkpoint), pretrained.CHECKPOINT)
    sizes, more = tuple(sorted(asked.sizes)), tuple(asked.more)
    given = Given(folder, sizes, more, asked.pool, asked.test)
    rows: list[dict[str, Any]] = []
    if asked.output is not None and asked.output.exists():
        lines = asked.output.read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
    there = {(row["target"], row["draw"], row["way"]) for row in rows}
    targets = [load_target(name, data_dir=asked.data_dir) for name in asked.target]
    for draw, target, way in product(range(asked.draws), targets, (CHOSEN, RANDOM)):
        if (target.name, draw, way) in there:
            continue
        began = time.perf_counter()
        seen, scores = simulate(target, way, draw, given)
        seconds = round(time.perf_counter() - began, 1)
        rows.append({"target": target.name, "draw": draw, "way": way, "seen": seen,
                     "scores": {str(n): f1 for n, f1 in scores.items()},
                     "seconds": seconds})  # fmt: skip
        print(f"{target.name}, draw {draw}, {way}: {scores}, {seconds} s", flush=True)
        if asked.output is not None:
            with asked.output.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    show(rows, sizes, more)


def show(rows: Sequence[Mapping[str, Any]], sizes: Sequence[int], more: Sequence[int]) -> None:
    """Print the tables, of the draws of which both sittings are there."""
    print("\n| target | annotated | draws | F1, chosen | F1, random | difference, paired | "
          + "".join(f"less random at {n} | " for n in more)
          + "mentions | keys a mention | without proposals | ratio | strokes, ratio | keys | "
          + "".join(f"of {n} random, without | " for n in more))  # fmt: skip
    print("|---" * (12 + 2 * len(more)) + "|")
    sittings = {(row["target"], row["draw"], row["way"]): row for row in rows}
    pairs = {
        (name, draw): (row, sittings[name, draw, RANDOM])
        for (name, draw, way), row in sittings.items()
        if way == CHOSEN and (name, draw, RANDOM) in sittings
    }
    groups = {name: [pair for key, pair in pairs.items() if key[0] == name]
              for name in dict.fromkeys(name for name, _ in pairs)}  # fmt: skip
    if len(groups) > 1:
        groups["all"] = list(pairs.values())
    for name, group in groups.items():
        for size in sizes:
            print(f"| {name} | {size} | {len(group)} | {' | '.join(cells(group, size, more))} |")


def cells(
    group: Sequence[Sequence[Mapping[str, Any]]], size: int, more: Sequence[int]
) -> list[str]:
    """A line of the table, of sittings in the page's order and at random in pairs."""

    def scores(place: int, n: int) -> list[float]:
        # Where no mention was annotated yet there is no tagger, and nothing is found.
        return [pair[place]["scores"].get(str(n), 0.0) for pair in group]

    paid = [[costs(each) for each in chosen["seen"][:size]] for chosen, _ in group]
    chosen = scores(0, size)
    return [
        spread(chosen),
        spread(scores(1, size)),
        *(spread([a - b for a, b in zip(chosen, scores(1, n), strict=True)])
          for n in (size, *more)),
        spread([sum(each["mentions"] for each in c) for c in paid], 0),
        spread([per(c, "keys", "mentions") for c in paid]),
        spread([per(c, "keys_alone", "mentions") for c in paid]),
        spread([per(c, "keys", "keys_alone") for c in paid], 2),
        spread([per(c, "strokes", "strokes_alone") for c in paid], 2),
        spread([sum(each["keys"] for each in c) for c in paid], 0),
        *(spread([sum(costs(each)["keys_alone"] for each in random["seen"][:n])
                  for _, random in group], 0) for n in more),
    ]  # fmt: skip


def per(paid: Sequence[Mapping[str, int]], one: str, other: str) -> float:
    """The sum of one cost by that of another."""
    total = float(sum(each[one] for each in paid))
    return total / max(1.0, float(sum(each[other] for each in paid)))


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Mean and half width of the 95% interval."""
    mean, half = interval(values)
    return f"{mean:.{digits}f}" + ("" if half != half else f" ± {half:.{digits}f}")


if __name__ == "__main__":
    main()
