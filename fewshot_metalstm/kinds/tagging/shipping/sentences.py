"""The digests of what a checkpoint learned from, made again from the corpora of its suite.

``meta-train`` writes them with a checkpoint. One that an earlier version wrote has none, but says
its settings and digests of its data: by these its suite is read again, with the same rules of
exclusion, and has to be the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fewshot_metalstm.config import from_mapping
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.episodes.load import load_suite_tasks
from fewshot_metalstm.kinds.tagging.tagger.learned_sentences import digests_of
from fewshot_metalstm.kinds.tagging.training.provenance import about_of
from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig

# What says which sentences there were: files, rules, and tags counted over all that was left.
_SAME = ("suite", "corpora", "families", "targets_excluded", "transitions")


def learned_again(about: Mapping[str, Any], name: str, data_dir: Path | None = None) -> bytes:
    """The content of ``sentences.bin`` for a checkpoint, of which ``name`` tells the user.

    Args:
        about: what the checkpoint says of itself, with the ``settings`` of its run. One that was
            started from another checkpoint has learned from the same sentences as that.
        data_dir: the folder of the corpora.

    Raises:
        UserError: no settings; a corpus that is absent; a suite that is not what was learned from.
    """
    if "settings" not in about:
        raise UserError(
            f"{name} does not say the settings of its training, and its sentences cannot be read "
            "again; give the folder of the run of meta-train that wrote it"
        )
    config = from_mapping(MetaTrainConfig, about["settings"], name)
    suite = load_suite_tasks(config.tasks, data_dir=data_dir, exclude_targets=config.exclude)
    now = about_of(config, suite)
    for key in _SAME:
        if about.get(key) != now.get(key):
            raise UserError(
                f"{name} learned from other sentences than suite {config.tasks} has now (by "
                f"{key!r} of its config.json); get the corpora that it was trained on"
            )
    return digests_of(s for task in suite.train for s in task.corpus.splits["train"])
