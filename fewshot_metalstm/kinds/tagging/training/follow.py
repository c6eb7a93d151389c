"""Meta-training on several ranks: what the ranks other than 0 do.

Rank 0 makes word vectors and trains jointly, as a run alone does, while the others wait. Then it
hands them its tagger, and every outer step and validation is shared by all.
"""

from __future__ import annotations

import copy
import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from fewshot_metalstm import __version__
from fewshot_metalstm.kinds.tagging.episodes.load import LoadedSuite
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel
from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig
from fewshot_metalstm.kinds.tagging.training.sources import (
    episode_pool,
    training_episodes,
    word_table,
)
from fewshot_metalstm.meta.outer import OuterLoop
from fewshot_metalstm.meta.ranks import EndedElsewhere, Ranks
from fewshot_metalstm.meta.state import optimiser_tensors, restore_optimiser
from fewshot_metalstm.meta.stop import StopSignal


@dataclass(frozen=True)
class Start:
    """Where the outer loop starts or goes on: all that a rank needs besides the suite."""

    model: TaggerModel
    optimiser: Mapping[str, Tensor]
    done: int


def start_of(model: TaggerModel, loop: OuterLoop) -> Start:
    """The start that rank 0 gives."""
    learner = copy.deepcopy(model.learner).cpu()
    moments = {name: value.cpu() for name, value in optimiser_tensors(loop.optimiser).items()}
    return Start(replace(model, learner=learner), moments, loop.done)


def suite_facts(suite: LoadedSuite) -> dict[str, str]:
    """What has to be the same on every rank before anything is computed."""
    facts = {"fewshot-metalstm's version": __version__, "torch's version": torch.__version__}
    for part, tasks in (("train", suite.train), ("validation", suite.validation)):
        facts[f"the {part} tasks"] = ", ".join(task.name for task in tasks)
        for task in tasks:
            for split, sentences in task.corpus.splits.items():
                digest = task.corpus.digests.get(split, "no digest")
                facts[f"{task.name}/{split}"] = f"{digest[:16]} ({len(sentences)} sentences)"
    return facts


def parameter_facts(learner: nn.Module) -> dict[str, str]:
    """A digest of the learner's parameters."""
    digest = hashlib.sha256()
    for parameter in learner.parameters():
        digest.update(parameter.detach().cpu().numpy().tobytes())
    return {"the parameters": digest.hexdigest()[:16]}


def follow(
    config: MetaTrainConfig, suite: LoadedSuite, *, device: torch.device, workers: int,
    ranks: Ranks,
) -> None:  # fmt: skip
    """Take part in rank 0's :func:`~fewshot_metalstm.kinds.tagging.training.metatrain.meta_train`
    to its end.

    Writes nothing. A signal is left to rank 0, which gets it too and ends all.

    Args:
        workers: processes for this rank's episodes; 0 takes one a core, shared with the other
            ranks of this host.

    Raises:
        UserError: another suite or other versions than rank 0's; rank 0 was lost.
        EndedElsewhere: rank 0 did not succeed.
    """
    try:
        with StopSignal():
            _follow(config, suite, device, workers or ranks.cores(), ranks)
    except EndedElsewhere as end:
        if end.code != 0:
            raise


def _follow(
    config: MetaTrainConfig, suite: LoadedSuite, device: torch.device, workers: int, ranks: Ranks
) -> None:
    ranks.same(suite_facts(suite))
    start: Start = ranks.take()
    learner = start.model.learner.to(device)
    # Rank 0 judges when to give up.
    loop = OuterLoop(learner, replace(config.outer, patience=sys.maxsize))
    restore_optimiser(loop.optimiser, start.optimiser)
    loop.done = start.done
    ranks.same(parameter_facts(learner))
    source = training_episodes(config, suite, word_table(start.model, suite), device)
    with episode_pool(config, suite, learner, source, workers, ranks) as pool:
        loop.follow(pool)
