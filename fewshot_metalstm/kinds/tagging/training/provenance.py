"""What a checkpoint says of where it came from."""

from __future__ import annotations

from typing import Any

from fewshot_metalstm.kinds.tagging.episodes.load import LoadedSuite
from fewshot_metalstm.kinds.tagging.tagger.abstract import count_transitions
from fewshot_metalstm.kinds.tagging.tagger.heads import source_names
from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig
from fewshot_metalstm.meta.make import recorded
from fewshot_metalstm.meta.registry import jointly


def about_of(config: MetaTrainConfig, suite: LoadedSuite) -> dict[str, Any]:
    """The ``about`` of a checkpoint that is meta-trained on ``suite``.

    Where the algorithm can be used as structshot it counts the tag transitions of the source
    tasks, and with a memory it names its places, all but the last.
    """
    about: dict[str, Any] = {
        "suite": suite.name,
        "synthetic": suite.synthetic,
        "targets_excluded": list(suite.report.targets),
        "families": sorted({task.family for task in suite.train}),
        "algorithm": config.algorithm,
        "recipe": recorded(config),
        "seed": config.seed,
        "corpora": {t.corpus.name: dict(t.corpus.digests) for t in suite.train},
    }
    if jointly(config.algorithm):
        about["transitions"] = count_transitions(suite.train)
    if config.memory:
        about["memory"] = source_names({task.name: task.types for task in suite.train})
    return about
