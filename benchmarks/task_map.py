"""Does a task map foretell transfer? ``python -m benchmarks.task_map --target NAME ... -o FILE``.

For each target and draw some source heads are taken, evenly spread from the lowest loss on the
support to the highest. The target is adapted from each of them alone, as `adapt` does without a
recipe, and scored on its whole test split, before and after. What is printed: Spearman's rank
correlation of minus the loss with F1 over these heads, and what the head of lowest loss is behind
the best of them. FILE is a table that `fewshot-metalstm tasks map --measured FILE` reads.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import torch

from fewshot_metalstm import runs
from fewshot_metalstm.adapt.plan import algorithm_of
from fewshot_metalstm.adapt.work import Start
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingWork
from fewshot_metalstm.kinds.tagging.adapt.methods import make_cell
from fewshot_metalstm.kinds.tagging.adapt.promising import source_heads_of
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig
from fewshot_metalstm.kinds.tagging.adapt.tagger import score_split
from fewshot_metalstm.kinds.tagging.adapt.task_map import make_map, of_target
from fewshot_metalstm.kinds.tagging.adapt.transfer_order import spearman
from fewshot_metalstm.kinds.tagging.episodes.draws import load_draw
from fewshot_metalstm.kinds.tagging.episodes.load import load_target
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.heads import start_from
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, TaggerModel, load_model
from fewshot_metalstm.writing import beside


@dataclass(frozen=True)
class Measured:
    """One head on one draw: its loss in nats a mention, and F1 before and after adaptation."""

    target: str
    shots: int
    draw: int
    source: str
    loss: float
    f1_before: float
    f1: float


def main(arguments: Sequence[str]) -> int:
    """Read the options, measure; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--checkpoint", type=Path, default=Path("bionlp"))
    parser.add_argument("--target", action="append", required=True, help="of one type; repeatable")
    parser.add_argument("--shots", type=int, default=10)
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--heads", type=int, default=12, help="of each draw")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        model = load_model(runs.model_folder(given.checkpoint, "checkpoint"), CHECKPOINT)
        targets = [load_target(name, data_dir=given.data_dir) for name in given.target]
        found: list[Measured] = []
        for draw in range(given.draws):
            for target in targets:
                for one in measure(model, target, given.shots, draw, given.heads):
                    found.append(one)
                    write(found, given.output)
        show(found)
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    return 0


def measure(
    model: TaggerModel, target: Task, shots: int, draw: int, heads: int
) -> Iterator[Measured]:
    """Adapt from each of some heads alone, and score."""
    supported, _ = of_target(target, shots, draw, 0)
    made = make_map(model, "checkpoint", [supported], shots=shots, draw=draw, seed=0)
    row = made.rows[0]
    every = {head.name: head for head in source_heads_of(model)}
    config = AdaptRunConfig()
    indices = load_draw(target, shots, draw).indices
    work = TaggingWork(
        make_cell(algorithm_of(model), config, draw, indices), model, target, model.table()
    )
    for place in spread(row.ranked(), heads):
        name, began = made.sources[place].name, time.perf_counter()
        start = Start(start_from(model.learner, [every[name]]))
        own = {n: p.detach() for n, p in start.learner.named_parameters()}
        before = score_split(start.learner, own, work.table, target, "test", work.lexicon)
        after = work.score(start, work.adapt(start))
        made_of = (round(row.losses[place], 4), round(before.value, 2), round(after.value, 2))
        yield (one := Measured(target.name, shots, draw, name, *made_of))
        print(f"{one} in {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)


def spread(ranked: Sequence[int], number: int) -> list[int]:
    """So many of a ranking, evenly from the first to the last."""
    last = len(ranked) - 1
    places = {round(i * last / max(1, number - 1)) for i in range(number)}
    return [ranked[place] for place in sorted(places)]


def write(found: Sequence[Measured], path: Path) -> None:
    """The table."""
    names = [field.name for field in fields(Measured)]
    with beside(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([getattr(one, name) for name in names] for one in found)


def show(found: Sequence[Measured]) -> None:
    """Print a line for each target and draw."""
    print("| target | draw | heads | rank correlation, before | adapted | ... of the better half "
          "by loss | F1 from the lowest loss | best of all | worst | mean |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|")
    for target, draw in dict.fromkeys((one.target, one.draw) for one in found):
        own = sorted((o for o in found if (o.target, o.draw) == (target, draw)),
                     key=lambda one: one.loss)  # fmt: skip
        half = own[: (len(own) + 1) // 2]
        f1s = [one.f1 for one in own]
        print(
            f"| {target} | {draw} | {len(own)} | {_rho(own, before=True):+.2f} | {_rho(own):+.2f} "
            f"| {_rho(half):+.2f} | {own[0].f1:.1f} | {max(f1s):.1f} | {min(f1s):.1f} "
            f"| {sum(f1s) / len(f1s):.1f} |"
        )


def _rho(own: Sequence[Measured], *, before: bool = False) -> float:
    figures = [one.f1_before if before else one.f1 for one in own]
    return spearman([-one.loss for one in own], figures)[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
