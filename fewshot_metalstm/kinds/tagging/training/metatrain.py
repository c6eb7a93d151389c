"""Meta-training a tagger: the driver of all kinds, on the tasks of a loaded suite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm.kinds.tagging.episodes.load import LoadedSuite
from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig
from fewshot_metalstm.kinds.tagging.training.source import TaggingSource
from fewshot_metalstm.meta import driver
from fewshot_metalstm.meta.outcome import MetaTrainResult


def meta_train(
    config: MetaTrainConfig, suite: LoadedSuite, output: Path, *, device: torch.device,
    **options: Any,
) -> MetaTrainResult:  # fmt: skip
    """Meta-train a tagger on ``suite``; see :func:`fewshot_metalstm.meta.driver.meta_train`."""
    source = TaggingSource(config, suite)
    config = source.config
    return driver.meta_train(config, source, output, device=device, **options)
