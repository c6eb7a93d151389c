"""Joining a run: the ranks that this process is one of, or the one that it is alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from fewshot_metalstm.meta.ranks import Ranks


@contextmanager
def joined(environment: Mapping[str, str] | None = None) -> Iterator[Ranks]:
    """The ranks that ``torchrun`` started this process with, or the one that it is alone.

    Raises :class:`UserError` if the environment speaks of ranks that cannot be reached.
    """
    environment = os.environ if environment is None else environment
    if "RANK" not in environment or environment.get("WORLD_SIZE", "1") == "1":
        yield Ranks()
        return
    # Only a run on several ranks needs a torch that was built with its distributed part.
    from fewshot_metalstm.meta.torch_ranks import TorchRanks

    ranks = TorchRanks(environment)
    try:
        yield ranks
    except BaseException:
        ranks.leave(failed=True)
        raise
    ranks.leave(failed=False)
