"""Meta-training on several ranks: what the ranks other than 0 do.

Rank 0 makes a model and trains jointly, as a run alone does, while the others wait. Then it
hands them its model, and every outer step and validation is shared by all.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.learner import Learner
from fewshot_metalstm.meta.make import make_algorithm
from fewshot_metalstm.meta.outer import OuterLoop
from fewshot_metalstm.meta.pool import EpisodePool
from fewshot_metalstm.meta.ranks import EndedElsewhere, Ranks
from fewshot_metalstm.meta.source import TrainingSource
from fewshot_metalstm.meta.state import optimiser_tensors, restore_optimiser
from fewshot_metalstm.meta.stop import StopSignal
from fewshot_metalstm.ranges import LARGEST
from fewshot_metalstm.version import __version__


@dataclass(frozen=True)
class Start:
    """Where the outer loop starts or goes on: all that a rank needs besides the suite."""

    model: Any
    optimiser: Mapping[str, Tensor]
    done: int


def start_of(model: Any, loop: OuterLoop) -> Start:
    """The start that rank 0 gives."""
    learner = copy.deepcopy(model.learner).cpu()
    moments = {name: value.cpu() for name, value in optimiser_tensors(loop.optimiser).items()}
    return Start(replace(model, learner=learner), moments, loop.done)


def run_facts(source: TrainingSource) -> dict[str, str]:
    """What has to be the same on every rank before anything is computed."""
    versions = {"fewshot-metalstm's version": __version__, "torch's version": torch.__version__}
    return {**versions, **source.facts()}


def parameter_facts(learner: nn.Module) -> dict[str, str]:
    """A digest of the learner's parameters."""
    digest = hashlib.sha256()
    for parameter in learner.parameters():
        digest.update(parameter.detach().cpu().numpy().tobytes())
    return {"the parameters": digest.hexdigest()[:16]}


def episode_pool(
    config: TrainingConfig, learner: Learner, source: TrainingSource, device: torch.device,
    workers: int, ranks: Ranks,
) -> EpisodePool:  # fmt: skip
    """The pool of this rank, on at most ``workers`` processes; a GPU is used by one."""
    processes = 1
    if device.type != "cuda":
        processes = min(workers, -(-config.outer.meta_batch // ranks.size))
    return EpisodePool(
        learner, make_algorithm(config), source.episodes(), source.validation(),
        meta_batch=config.outer.meta_batch, workers=processes, seed=config.seed, ranks=ranks,
        steps=config.outer.steps,
    )  # fmt: skip


def follow(
    config: TrainingConfig, source: TrainingSource, *, device: torch.device, workers: int,
    ranks: Ranks,
) -> None:  # fmt: skip
    """Take part in rank 0's :func:`~fewshot_metalstm.meta.driver.meta_train` to its end.

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
            _follow(config, source, device, workers or ranks.cores(), ranks)
    except EndedElsewhere as end:
        if end.code != 0:
            raise


def _follow(
    config: TrainingConfig, source: TrainingSource, device: torch.device, workers: int,
    ranks: Ranks,
) -> None:  # fmt: skip
    ranks.same(run_facts(source))
    start: Start = ranks.take()
    learner = start.model.learner.to(device)
    # Rank 0 judges when to give up.
    loop = OuterLoop(learner, replace(config.outer, patience=LARGEST))
    restore_optimiser(loop.optimiser, start.optimiser)
    loop.done = start.done
    ranks.same(parameter_facts(learner))
    source.use(start.model, device)
    with episode_pool(config, learner, source, device, workers, ranks) as pool:
        loop.follow(pool)
