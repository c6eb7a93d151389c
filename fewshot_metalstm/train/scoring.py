"""The scores after an epoch, and the curves that they are points of."""

from __future__ import annotations

from collections.abc import Mapping

from fewshot_metalstm.adapt.cell import score_as_dict
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.train.items import Items
from fewshot_metalstm.train.loop import task_params
from fewshot_metalstm.train.result import SPLITS, Scored
from fewshot_metalstm.train.source import SupervisedSource


def score(source: SupervisedSource, task: str, items: Items, weights: Params) -> dict[str, Scored]:
    """A task's scores by split, under weights that are as :func:`.flat` has them.

    Those of ``train`` are of some of its items.
    """
    params = task_params(weights, source.head_of(task))
    every = items.scored()
    found = {}
    tuned: Mapping[str, float] | None = None if "devel" in every else {}
    for name in sorted(every, key=lambda name: name != "devel"):  # devel first: it is chosen by
        split, chosen = every[name]
        got = source.evaluate(task, split, chosen, params, tuned)
        tuned = got.tuned
        figures = score_as_dict(got.score, source.figure, digits=4)
        found[name] = Scored(len(chosen), got.loss, float(got.score.value), figures, tuned)
    return {name: found[name] for name in every}


def curves(scores: Mapping[str, Mapping[str, Scored]], key: str) -> dict[str, float]:
    """Loss and figure of each split by the names of metrics: means of the tasks that have it.

    Of several tasks each has its own besides, as ``devel_f1/TASK``.

    Args:
        scores: by task and split.
        key: of the figure.
    """
    found: dict[str, float] = {}
    for split in SPLITS:
        own = {task: each[split] for task, each in scores.items() if split in each}
        if own:
            found[f"loss_{split}"] = sum(s.loss for s in own.values()) / len(own)
            found[f"{split}_{key}"] = sum(s.value for s in own.values()) / len(own)
        if len(scores) > 1:
            for task, each in own.items():
                found[f"loss_{split}/{plain_name(task)}"] = each.loss
                found[f"{split}_{key}/{plain_name(task)}"] = each.value
    return found


def plain_name(task: str) -> str:
    """A task's name in those of folders and metrics."""
    return task.replace("/", "-")
