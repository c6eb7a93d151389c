"""What annotating with proposals saves: ``python -m benchmarks.annotation --target NAME``.

A person is simulated who sees sentences of a corpus, knows its annotation, and does on the page of
``annotate`` what makes each sentence right with few keys (:func:`keys`) or few strokes of the mouse
(:func:`strokes`). Sentences come in the order that the page gives, and the tagger is adapted when
the page has it adapted. The same sentences are done without proposals, and other sentences, at
random, are done for as many taggers. Printed: the keys a mention with and without proposals, and
strict F1 on the test split after so many annotated sentences, in the page's order and at random;
means over draws (pools and orders) with 95% intervals, and differences paired by draw.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm import pretrained, runs
from fewshot_metalstm.figure import interval
from fewshot_metalstm.kinds.tagging.annotate.adapter import BATCH, FIRST_AFTER
from fewshot_metalstm.kinds.tagging.annotate.learning import Learning
from fewshot_metalstm.kinds.tagging.annotate.text import Text, Where
from fewshot_metalstm.kinds.tagging.corpora.schemes import spans
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence, Span
from fewshot_metalstm.kinds.tagging.episodes.load import load_target
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.confidence import read
from fewshot_metalstm.kinds.tagging.tagger.scoring import strict_scores
from fewshot_metalstm.seeds import derive, numpy_generator

WAYS = ("chosen", "random")


@dataclass(frozen=True)
class Given:
    """What is simulated."""

    checkpoint: Path
    sizes: tuple[int, ...]
    pool: int
    test: int


def marking(gold: Sequence[Span], length: int) -> int:
    """Keys that mark mentions of a sentence of so many words, from left to right.

    The cursor goes to a mention's first word from where it is, or from either end of the sentence
    by Home and End; a key more for each further word, and one for the type.
    """
    total, cursor = 0, None
    for span in gold:
        ways = [1 + span.start, 1 + (length - 1 - span.start)]
        if cursor is not None:
            ways.append(abs(span.start - cursor))
        total += min(ways) + (span.end - span.start - 1) + 1
        cursor = span.end - 1
    return total


def keys(gold: Sequence[Span], proposed: Sequence[Span], length: int) -> int:
    """Keys from a sentence's coming to its being annotated, as ``gold`` has it.

    Proposals are decided from left to right, ``a`` or ``r``; as soon as all that are left are right
    Shift Enter takes them and ends the sentence, and as soon as all are wrong Enter, pressed twice,
    leaves them out. What is missing is marked before that.
    """
    missing = [span for span in gold if span not in proposed]
    total = marking(missing, length)
    left = [span in gold for span in proposed]
    while left and any(left) and not all(left):
        total += 1
        left.pop(0)
    return total + (2 if left and not all(left) else 1)


def strokes(gold: Sequence[Span], proposed: Sequence[Span]) -> int:
    """The same by mouse: a drag and a click a mention, a click a decision, and one at the end."""
    missing = len({*gold} - {*proposed})
    right = [span in gold for span in proposed]
    if all(right):
        return 2 * missing + 1  # Accept all, next
    return 2 * missing + sum(right) + 2  # the wrong ones are left out by a second click


def simulate(
    target: Task, way: str, draw: int, given: Given
) -> tuple[list[dict[str, Any]], dict[int, float]]:
    """Sentence by sentence what it cost, and F1 by the number of annotated sentences."""
    train = target.split("train")
    order = numpy_generator(draw, "annotation", target.name).permutation(len(train))
    pool = [train[int(i)] for i in order[: given.pool]]
    text = as_text(pool)
    test = target.split("test")[: given.test or None]
    costs: list[dict[str, Any]] = []
    scores: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        seed = derive(draw, "annotation")
        learning = Learning(text, given.checkpoint, (), seed % 2**31, Path(folder) / "tagger")
        queue = list(range(len(pool)))  # in a random order already
        if way == "chosen":
            queue = learning.first(BATCH, [])
        done: list[int] = []
        due = FIRST_AFTER
        while len(done) < max(given.sizes):
            number = queue.pop(0)
            costs.append(cost(pool[number], learning.read([number]).get(number, []), number, text))
            done.append(number)
            measured = len(done) in given.sizes
            if not measured and (way == "random" or len(done) < due):
                continue
            examples = [example(i, pool[i], text) for i in done]
            if not any(each["spans"] for each in examples):
                continue
            made = learning.adapt(examples)
            if way == "chosen" and len(done) >= due:
                due = len(done) + max(FIRST_AFTER, len(done) // 5)
                queue = learning.next(BATCH, done, examples)[0]
            if measured:
                tags = [each.tags for each in read(made, [each.tokens for each in test])]
                scores[len(done)] = strict_scores([each.tags for each in test], tags).f1
    return costs, scores


def cost(sentence: Sentence, proposed: Sequence[Any], number: int, text: Text) -> dict[str, Any]:
    """What a sentence costs with proposals and without."""
    gold = list(spans(sentence.tags))
    starts = {start: i for i, (start, _) in enumerate(text.tokens(number))}
    ends = {end: i + 1 for i, (_, end) in enumerate(text.tokens(number))}
    found = [Span(starts[a], ends[b], name) for name, ((a, b),), _ in proposed]
    length = len(sentence.tokens)
    return {
        "mentions": len(gold), "keys": keys(gold, found, length), "strokes": strokes(gold, found),
        "keys_alone": keys(gold, (), length), "strokes_alone": strokes(gold, ()),
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
    """Simulate and print; with ``--output`` write what was measured as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--target", action="append", required=True)
    parser.add_argument("--checkpoint", default="mtl-bio")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 20, 50, 100])
    parser.add_argument("--pool", type=int, default=1000)
    parser.add_argument("--test", type=int, default=0, help="test sentences scored; 0: all")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    folder = runs.model_folder(Path(asked.checkpoint), pretrained.CHECKPOINT)
    given = Given(folder, tuple(sorted(asked.sizes)), asked.pool, asked.test)
    rows: list[dict[str, Any]] = []
    for name in asked.target:
        target = load_target(name, data_dir=asked.data_dir)
        for draw in range(asked.draws):
            for way in WAYS:
                began = time.perf_counter()
                costs, scores = simulate(target, way, draw, given)
                rows.append({"target": name, "draw": draw, "way": way, "costs": costs,
                             "scores": scores,
                             "seconds": round(time.perf_counter() - began, 1)})  # fmt: skip
                print(f"{name}, draw {draw}, {way}: {scores}, {rows[-1]['seconds']} s", flush=True)
                if asked.output is not None:
                    asked.output.write_text(json.dumps(rows) + "\n", encoding="utf-8")
    show(rows, given)


def show(rows: Sequence[dict[str, Any]], given: Given) -> None:
    """Print the tables."""
    print("\n| target | annotated | F1, chosen | F1, random | difference, paired | "
          "keys a mention | without proposals | ratio | the last ten |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    for target in dict.fromkeys(row["target"] for row in rows):
        own = {(r["way"], r["draw"]): r for r in rows if r["target"] == target}
        draws = sorted({draw for _, draw in own})
        for size in given.sizes:
            chosen = [own["chosen", d]["scores"][size] for d in draws]
            random = [own["random", d]["scores"][size] for d in draws]
            costs = [own["chosen", d]["costs"][:size] for d in draws]
            late = [each[-10:] for each in costs]
            cells = [
                spread(chosen),
                spread(random),
                spread([a - b for a, b in zip(chosen, random, strict=True)]),
                spread([per(c, "keys", "mentions") for c in costs]),
                spread([per(c, "keys_alone", "mentions") for c in costs]),
                spread([per(c, "keys", "keys_alone") for c in costs], 2),
                spread([per(c, "keys", "keys_alone") for c in late], 2),
            ]
            print(f"| {target} | {size} | {' | '.join(cells)} |")


def per(costs: Sequence[dict[str, Any]], one: str, other: str) -> float:
    """The sum of one cost by that of another."""
    total = float(sum(each[one] for each in costs))
    return total / max(1.0, float(sum(each[other] for each in costs)))


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Mean and half width of the 95% interval."""
    mean, half = interval(values)
    return f"{mean:.{digits}f}" + ("" if half != half else f" ± {half:.{digits}f}")


if __name__ == "__main__":
    main()
