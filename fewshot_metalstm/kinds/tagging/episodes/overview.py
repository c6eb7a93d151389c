"""The splits of a task in numbers: sentences, and mentions of each type."""

from __future__ import annotations

from fewshot_metalstm.data.overview import SplitRow
from fewshot_metalstm.kinds.tagging.episodes.sampling import count_mentions
from fewshot_metalstm.kinds.tagging.episodes.task import Task


def split_rows(task: Task) -> tuple[SplitRow, ...]:
    """The splits of a task: sentences, those with mentions, tokens of the longest, mentions."""
    rows = []
    for split, sentences in task.corpus.splits.items():
        counts = count_mentions(sentences, task.types)
        mentions = dict(zip(task.types, counts.sum(axis=0).tolist(), strict=True))
        bearing = int(counts.any(axis=1).sum())
        longest = max(len(sentence) for sentence in sentences)
        rows.append(
            SplitRow(
                {
                    "split": split,
                    "sentences": len(sentences),
                    "bearing": bearing,
                    "longest": longest,
                    "mentions": mentions,
                    "sha256": task.corpus.digests.get(split, ""),
                },
                {
                    "split": split,
                    "sentences": len(sentences),
                    "with mentions": bearing,
                    "longest": longest,
                    **mentions,
                },
            )
        )
    return tuple(rows)
