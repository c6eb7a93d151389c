"""What a few-shot tagger misses: ``python -m benchmarks.novelty --checkpoint RUN --target NAME``.

The mentions of the target's test split fall into four groups, by their lower-cased text: those
that the support holds; those that share a word with a mention of the support; those that a source
corpus annotates, as whatever type; and the rest, which the tagger has never seen in a mention. For
each group are printed its share of the gold mentions, recall and precision (exact bounds and
type), and its share of what is missed; all frozen draws count alike.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from fewshot_metalstm import runs
from fewshot_metalstm.adapt.plan import algorithm_of
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingCell, TaggingWork
from fewshot_metalstm.kinds.tagging.adapt.methods import make_cell
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig
from fewshot_metalstm.kinds.tagging.corpora.schemes import spans
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence, Span
from fewshot_metalstm.kinds.tagging.episodes.draws import load_draw
from fewshot_metalstm.kinds.tagging.episodes.load import load_suite_tasks, load_target
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.decode import tag
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, TaggerModel, load_model

SUPPORT, WORD, SOURCE, NEW = "in the support", "shares a word", "in a source corpus", "new"
GROUPS = (SUPPORT, WORD, SOURCE, NEW)


def main(arguments: Sequence[str]) -> int:
    """Read the options, measure; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--checkpoint", type=Path, required=True, help="a run of meta-train")
    parser.add_argument("--target", required=True)
    parser.add_argument("--shots", type=int, default=50)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--data-dir", type=Path)
    given = parser.parse_args(arguments)
    try:
        measure(given)
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    return 0


def measure(given: argparse.Namespace) -> None:
    """Adapt to each draw, tag the test split, print the table."""
    torch.set_num_threads(1)
    model = load_model(runs.model_folder(given.checkpoint, "checkpoint"), CHECKPOINT)
    target = load_target(given.target, data_dir=given.data_dir)
    known = source_mentions(model, given.data_dir)
    config = AdaptRunConfig()
    gold, right, wrong = Counter[str](), Counter[str](), Counter[str]()
    for number in range(given.draws):
        drawn = load_draw(target, given.shots, number)
        cell = make_cell(algorithm_of(model), config, number, drawn.indices)
        support = cell.sentences(target)
        found = tagged(model, target, cell)
        count(target.split("test"), found, support, known, gold, right, wrong)
    show(gold, right, wrong)


def source_mentions(model: TaggerModel, data_dir: Path | None) -> frozenset[str]:
    """The text of every mention that the checkpoint's corpora annotate."""
    about = model.about
    suite = load_suite_tasks(
        str(about["suite"]), data_dir=data_dir, exclude_targets=about["targets_excluded"]
    )
    return frozenset(
        text for task in suite.train for _, text in mentions(task.corpus.splits["train"])
    )


def tagged(model: TaggerModel, target: Task, cell: TaggingCell) -> list[Sentence]:
    """The test split with the tags of a tagger that was adapted to the cell's support."""
    table = model.table()
    work = TaggingWork(cell, model, target, table)
    start = work.start()
    adapted = work.adapt(start)
    tokens = [s.tokens for s in target.split("test")]
    tags = tag(start.learner, adapted.params, table, tokens, target.types, work.lexicon)
    return [Sentence(t, own) for t, own in zip(tokens, tags, strict=True)]


def mentions(sentences: Sequence[Sentence]) -> Iterator[tuple[Span, str]]:
    """Every mention with its lower-cased text."""
    for sentence in sentences:
        for span in spans(sentence.tags):
            yield span, " ".join(sentence.tokens[span.start : span.end]).lower()


def count(
    test: Sequence[Sentence], found: Sequence[Sentence], support: Sequence[Sentence],
    known: frozenset[str], gold: Counter[str], right: Counter[str], wrong: Counter[str],
) -> None:  # fmt: skip
    """Add the mentions of a test split to the counts by group."""
    own = {text for _, text in mentions(support)}
    words = {word for text in own for word in text.split()}

    def group(text: str) -> str:
        if text in own:
            return SUPPORT
        if words & set(text.split()):
            return WORD
        return SOURCE if text in known else NEW

    for true, made in zip(test, found, strict=True):
        expected, given = dict(mentions([true])), dict(mentions([made]))
        gold.update(map(group, expected.values()))
        right.update(group(text) for span, text in expected.items() if span in given)
        wrong.update(group(text) for span, text in given.items() if span not in expected)


def show(gold: Counter[str], right: Counter[str], wrong: Counter[str]) -> None:
    """Print the table, in percent."""
    missed = gold.total() - right.total()
    print("| mentions of the test split | share | recall | share of the missed | precision |")
    print("|---|---|---|---|---|")
    for name in GROUPS:
        made = right[name] + wrong[name]
        print(
            f"| {name} | {_share(gold[name], gold.total())} | {_share(right[name], gold[name])} | "
            f"{_share(gold[name] - right[name], missed)} | {_share(right[name], made)} |"
        )
    print(
        f"| all | 100 | {_share(right.total(), gold.total())} | 100 | "
        f"{_share(right.total(), right.total() + wrong.total())} |"
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}" if whole else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
