"""Starting the outer loop from a checkpoint of joint training (``meta-train --start``).

Joint training of one suite can so be shared by several meta-learners: its word vectors, its
weights, the mean of its heads and, for a memory, its heads (half precision, as a checkpoint
keeps them).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.episodes.load import LoadedSuite
from fewshot_metalstm.kinds.tagging.tagger.heads import source_names
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, TaggerModel, load_model
from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig
from fewshot_metalstm.meta.registry import jointly


def read_start(config: MetaTrainConfig, suite: LoadedSuite) -> TaggerModel:
    """The model of ``config.start``, of the suite's own tasks.

    Raises:
        UserError: no checkpoint of joint training there; one of other tasks, of other exclusions
            or of another tagger than ``config`` says.
    """
    folder = Path(config.start)
    if (folder / "checkpoint" / "config.json").is_file():  # the run that it stands in
        folder = folder / "checkpoint"
    model = load_model(folder, CHECKPOINT)
    names = source_names({task.name: task.types for task in suite.train})
    if not jointly(model.about.get("algorithm")):
        raise UserError(f"{folder} is not of joint training; give one of --algorithm joint")
    found = tuple((head.task, head.type) for head in model.heads)
    excluded = tuple(model.about.get("targets_excluded", ()))
    if found != names or excluded != tuple(suite.report.targets):
        raise UserError(
            f"{folder} was trained on other tasks; give the --tasks and --exclude that it had"
        )
    own = replace(model.learner.config, context=0)  # the encoder is the checkpoint's
    if own != replace(config.tagger, memory=0, context=0):
        raise UserError(f"{folder} has other settings of the section tagger; give the same")
    return model
