"""Starting a tagger's outer loop from a checkpoint of joint training (``meta-train --start``).

Besides its word vectors and weights that gives, for a memory, its heads (half precision, as a
checkpoint keeps them).
"""

from __future__ import annotations

from dataclasses import replace

from fewshot_metalstm.kinds.tagging.episodes.load import LoadedSuite
from fewshot_metalstm.kinds.tagging.tagger.heads import source_names
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, TaggerModel, load_model
from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig
from fewshot_metalstm.meta import start


def read_start(config: MetaTrainConfig, suite: LoadedSuite) -> TaggerModel:
    """The model of ``config.start``, of the suite's own tasks.

    Raises:
        UserError: no checkpoint of joint training there; one of other tasks, of other exclusions
            or of another tagger than ``config`` says.
    """
    names = source_names({task.name: task.types for task in suite.train})

    def same_tasks(model: TaggerModel) -> bool:
        found = tuple((head.task, head.type) for head in model.heads)
        excluded = tuple(model.about.get("targets_excluded", ()))
        return (found, excluded) == (names, tuple(suite.report.targets))

    def same_settings(model: TaggerModel) -> bool:
        own = replace(model.learner.config, context=0)  # the encoder is the checkpoint's
        return own == replace(config.tagger, memory=0, context=0)

    return start.read_start(
        config.start, lambda folder: load_model(folder, CHECKPOINT).of_start(0), section="tagger",
        same_tasks=same_tasks,
        same_settings=same_settings,
    )  # fmt: skip
