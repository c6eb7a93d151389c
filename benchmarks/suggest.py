"""Whether ``suggest`` saves labels: ``python -m benchmarks.suggest --checkpoint RUN``.

Annotation is simulated on a corpus whose annotation is known. From a few random sentences of the
train split a tagger is adapted; then, round after round, some sentences of a pool are chosen,
annotated (their tags are looked up) and the tagger is adapted anew to all of them. The ways to
choose are at random, by uncertainty alone, and by uncertainty with diversity as ``suggest`` does.
All begin with the same sentences and choose from the same pool. Printed: strict F1 on the test
split by the number of annotated sentences, mean over seeds, with the mentions and tokens that were
annotated for it, and the difference from random choice, paired by seed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from fewshot_metalstm import runs
from fewshot_metalstm.adapt.plan import algorithm_of
from fewshot_metalstm.figure import interval
from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingWork, mentions_in
from fewshot_metalstm.kinds.tagging.adapt.methods import make_cell
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig
from fewshot_metalstm.kinds.tagging.adapt.suggest import Candidate, candidates, suggest
from fewshot_metalstm.kinds.tagging.adapt.tagger import score_split
from fewshot_metalstm.kinds.tagging.corpora.sentence import Corpus, Sentence
from fewshot_metalstm.kinds.tagging.episodes.load import load_target
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.formats import Document
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, TaggerModel, load_model
from fewshot_metalstm.seeds import numpy_generator

WAYS = {"random": None, "uncertainty": 0.0, "suggest": 0.5}


def main() -> None:
    """Simulate, print, and write what was measured as JSON where ``--output`` says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--checkpoint", type=Path, required=True, help="a run of meta-train")
    parser.add_argument("--target", default="demo-species")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--start", type=int, default=10, help="random sentences to begin with")
    parser.add_argument("--batch", type=int, default=10, help="sentences a round")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--pool", type=int, default=1000, help="sentences to choose from")
    parser.add_argument("--test", type=int, default=0, help="test sentences scored; 0: all")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(runs.model_folder(given.checkpoint, "checkpoint"), CHECKPOINT)
    target = load_target(given.target, data_dir=given.data_dir)
    began = time.perf_counter()
    rows = [
        row
        for seed in range(given.seeds)
        for way in WAYS
        for row in simulate(model, target, way, seed, given)
    ]
    show(rows, target, given, time.perf_counter() - began)
    if given.output is not None:
        given.output.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def simulate(
    model: TaggerModel, target: Task, way: str, seed: int, given: argparse.Namespace
) -> list[dict[str, float | str]]:  # fmt: skip
    """The rounds of one way to choose."""
    train = target.split("train")
    order = numpy_generator(seed, "pool").permutation(len(train))[: given.pool].tolist()
    places = {candidate.document.id: candidate for candidate in pool_of(train, order)}
    order = [i for i in order if str(i) in places]
    chosen = list(order[: given.start])
    test = target.split("test")
    tested = Task(target.name, replaced(target, test[: given.test or None]), target.types)
    config = AdaptRunConfig(seed=seed)
    rows: list[dict[str, float | str]] = []
    for turn in range(given.rounds + 1):
        cell = make_cell(algorithm_of(model), config, 0, tuple(chosen))
        table = model.table()
        work = TaggingWork(cell, model, target, table)
        start = work.start()
        adapted = work.adapt(start)
        support, learner = work.support, start.learner
        score = score_split(learner, adapted.params, table, tested, "test", work.lexicon)
        rows.append({
            "way": way, "seed": seed, "sentences": len(chosen), "f1": score.value,
            "mentions": mentions_in(support), "tokens": sum(map(len, support)),
        })  # fmt: skip
        if turn == given.rounds:
            break
        left = [i for i in order if i not in set(chosen)]
        diversity = WAYS[way]
        if diversity is None:
            chosen += left[: given.batch]  # the order is random already
        else:
            tagger = work.tagger(start, adapted)
            found = suggest(tagger, [places[str(i)] for i in left], given.batch, diversity)
            chosen += [int(each.candidate.document.id) for each in found]
    return rows


def pool_of(train: Sequence[Sentence], order: Sequence[int]) -> list[Candidate]:
    """The sentences as candidates, each a document that is called by its number."""
    documents = []
    for i in order:
        tokens, bounds, end = train[i].tokens, [], 0
        for token in tokens:
            bounds.append((end, end + len(token)))
            end += len(token) + 1
        text = " ".join(tokens)
        documents.append(
            Document(str(i), text, sentences=((0, len(text)),), tokens=tuple(bounds))
        )  # fmt: skip
    return candidates(documents)


def replaced(target: Task, test: Sequence[Sentence]) -> Corpus:
    """The target's corpus with another test split."""
    return replace(target.corpus, splits={**target.corpus.splits, "test": tuple(test)})


def show(
    rows: Sequence[dict[str, float | str]], target: Task, given: argparse.Namespace, seconds: float
) -> None:
    """Print the table."""
    synthetic = " (synthetic)" if target.corpus.synthetic else ""
    print(f"{target.name}{synthetic}, {given.seeds} seeds, pool of {given.pool} sentences, "
          f"{seconds:.0f} s")  # fmt: skip
    print("| annotated sentences | way | F1 | less random, paired | mentions | tokens |")
    print("|---|---|---|---|---|---|")
    for size in sorted({row["sentences"] for row in rows}):
        at = {(r["way"], r["seed"]): r for r in rows if r["sentences"] == size}
        for way in WAYS:
            own = [at[way, seed] for seed in range(given.seeds)]

            def mean(name: str, own: Sequence[dict[str, float | str]] = own) -> float:
                return sum(float(row[name]) for row in own) / len(own)

            gains = [
                float(row["f1"]) - float(at["random", seed]["f1"]) for seed, row in enumerate(own)
            ]
            gain, half = interval(gains)
            less = "" if way == "random" else f"{gain:+.1f} ± {half:.1f}"
            print(f"| {size} | {way} | {mean('f1'):.1f} | {less} | {mean('mentions'):.0f} | "
                  f"{mean('tokens'):.0f} |")  # fmt: skip


if __name__ == "__main__":
    main()
