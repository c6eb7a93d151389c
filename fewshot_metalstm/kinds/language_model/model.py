"""A language model in a folder: weights and config. No pickle.

``model.safetensors`` holds the weights, ``config.json`` the format version, the kind of task, what
kind of model it is, its sizes, where it came from, and the SHA-256 of the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fewshot_metalstm.compress.stored import read_tensors
from fewshot_metalstm.config import as_mapping
from fewshot_metalstm.kinds.language_model.learner import LanguageModel
from fewshot_metalstm.kinds.language_model.settings import ModelConfig
from fewshot_metalstm.kinds.language_model.tasks import KIND
from fewshot_metalstm.kinds.stored import (
    CHECKPOINT,
    WEIGHTS,
    FolderFormat,
    loaded_with,
    settings_in,
    weights_of,
    with_values,
    write_model,
)
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.prepared import Prepare
from fewshot_metalstm.seeds import torch_generator

FORMAT_VERSION = 1
PRODUCT = "language-model"


@dataclass(frozen=True)
class StoredModel:
    """A language model and where it came from.

    ``kind`` is ``checkpoint`` (meta-learned) or ``language-model`` (adapted). ``about`` says where
    it came from: suite, target, seeds, digests, figures.
    """

    learner: LanguageModel
    kind: str = CHECKPOINT
    about: Mapping[str, Any] = field(default_factory=dict)


def new_model(config: ModelConfig, seed: int) -> LanguageModel:
    """A language model with fresh weights, a function of ``seed`` alone."""
    return LanguageModel(config, torch_generator(seed, "weights"))


def adapted_model(learner: LanguageModel, params: Params) -> LanguageModel:
    """A language model of its own with ``params``, such as adaptation gives, without ``inner``."""
    return with_values(new_model(learner.config, 0), params)


def save_model(model: StoredModel, folder: Path) -> None:
    """Write ``model`` to ``folder``, whole or not at all; an older model there is replaced.

    Raises :class:`UserError` if other files are there, or the place cannot be written to.
    """
    head = {
        "task_kind": KIND, "kind": model.kind, "model": as_mapping(model.learner.config),
    }  # fmt: skip
    write_model(folder, weights_of(model.learner), head, model.about, version=FORMAT_VERSION)


def _build(folder: Path, config: Mapping[str, Any], prepare: Prepare | None) -> StoredModel:
    tensors = read_tensors(folder / WEIGHTS)
    settings = settings_in(ModelConfig, config["model"], folder)
    learner = loaded_with(lambda: new_model(settings, 0), tensors, config["about"], prepare)
    return StoredModel(learner, config["kind"], config["about"])


_FORMAT = FolderFormat(KIND, PRODUCT, {"model": dict}, _build)
load_model, load_prepared, read_config = _FORMAT.load, _FORMAT.load_prepared, _FORMAT.read_config
