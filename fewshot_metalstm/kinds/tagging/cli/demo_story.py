"""What ``fewshot-metalstm demo`` shows when it is done: one screen, true whatever the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from fewshot_metalstm.adapt.report import AdaptReport

_SHOWN = 3  # sentences
_CHANCE = 5.0  # points of F1 that a difference may well have by chance, where there is one draw


def done(training: Mapping[str, Any], reports: Sequence[AdaptReport]) -> list[str]:
    """What was done, a line for each step."""
    lines = [
        f"1. Meta-trained a start on the synthetic tasks ({training['seconds']:.0f} s).",
        f"2. Adapted it to {reports[0].target}, a type of entity that none of them has.",
    ]
    if reports[-1].invented:
        lines.append(
            f"3. Adapted {reports[-1].name}, which ships and has learned from real corpora, to "
            f"{reports[-1].main.cells[0].support_items} sentences of {reports[-1].target}."
        )
    return lines


def overview(reports: Sequence[AdaptReport]) -> Table:
    """Every mean of the demo in one table, with the kind of text that it is of."""
    from rich.table import Table

    from fewshot_metalstm import pretrained

    table = Table(title="the demo: strict entity F1 on the test splits, mean of the draws")
    for column in ("target", "text", "start", "learned from", "method", "F1"):
        table.add_column(column, justify="right" if column == "F1" else "left")
    for report in reports:
        text = "synthetic" if report.synthetic else "invented" if report.invented else "real"
        name = pretrained.name_of(Path(report.checkpoint))
        origin = "meta-trained here" if name is None else f"{name}, shipped"
        sentences = report.main.cells[0].support_items
        support = f"{report.shots} shots" if report.shots else f"{sentences} sentences"
        for method in report.methods:
            spread = method.summary()
            f1 = "" if spread is None else spread.text(digits=1)
            last = method is report.methods[-1]
            start = "none" if method.method == "scratch" else origin
            label = "adapted" if method is report.main else "from scratch"
            table.add_row(report.target, text, start, support, label, f1, end_section=last)
    return table


def conclusion(reports: Sequence[AdaptReport]) -> list[str]:
    """What a reader should take from the figures, in a few lines; none if nothing was scored."""
    lines = []
    for report in reports:
        adapted, scratch = (method.summary() for method in report.methods)
        if adapted is None or scratch is None:
            continue
        worth = adapted.mean - scratch.mean
        learned = f"{report.shots} shots of" if report.shots else "all sentences of"
        one = len(report.main.cells) == 1
        verdict = f"{abs(worth):.1f} points {'better' if worth > 0 else 'worse'} than no start"
        if one and abs(worth) < _CHANCE:
            verdict += ", which may be chance"
        lines.append(f"- {learned} {report.target} {report.world}: the start is {verdict}.")
    if not lines:
        return []
    return [
        "What to conclude:", *lines,
        "- None of this is a benchmark: the texts are made up, and short. On real corpora a start",
        "  helps where something like your type was learned from, and can hurt where nothing was.",
        "- So compare both on your own text: fewshot-metalstm adapt --train my.conll \\",
        "  --test unseen.conll --baseline scratch",
    ]  # fmt: skip


def examples(report: AdaptReport) -> list[str]:
    """Some test sentences with [mentions] as the adapted tagger of a report reads them."""
    import torch

    from fewshot_metalstm.kinds.tagging.adapt.predict import Predictor
    from fewshot_metalstm.kinds.tagging.corpora.schemes import decode
    from fewshot_metalstm.kinds.tagging.episodes.load import load_target

    split = load_target(report.target).split("test")
    chosen = [sentence for sentence in split if set(sentence.tags) > {"O"}][:_SHOWN]
    tags = Predictor(Path(report.model), torch.device("cpu")).tag(
        [sentence.tokens for sentence in chosen]
    )
    lines = [f"How it reads {report.target}, sentences that it has not seen:"]
    for sentence, found in zip(chosen, tags, strict=True):
        words = list(sentence.tokens)
        for span in decode(found):
            words[span.start] = f"[{words[span.start]}"
            words[span.end - 1] += "]"
        lines.append(f"  {' '.join(words)}")
    return lines


def further(reports: Sequence[AdaptReport]) -> list[str]:
    """What to do next."""
    run = Path(reports[-1].model).parent
    return [
        "Next:",
        f"  fewshot-metalstm predict {reports[-1].model} FILE     # tags your text",
        f"  fewshot-metalstm report {run.parent} -o demo.html     # all draws, curves, mistakes",
    ]
