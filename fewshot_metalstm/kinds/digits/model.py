"""A reader of digits in a folder: weights and config. No pickle.

``model.safetensors`` holds the weights, ``config.json`` the format version, the kind of task, what
kind of model it is, the reader's config, its classes, the scaling of pixels, where it came from,
and the SHA-256 of the weights. A meta-learned checkpoint and a reader adapted to classes are the
same kind of folder. What a meta-learner learned beside the start (tensors ``inner.*``) is in a
checkpoint and not in an adapted reader.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fewshot_metalstm.compress.stored import read_tensors
from fewshot_metalstm.config import as_mapping
from fewshot_metalstm.kinds.digits.encoding import Scaling
from fewshot_metalstm.kinds.digits.learner import DigitReader
from fewshot_metalstm.kinds.digits.reader import KIND
from fewshot_metalstm.kinds.digits.settings import ReaderConfig
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
READER = "reader"


@dataclass(frozen=True)
class ReaderModel:
    """A reader with all that it needs to take an image.

    ``kind`` is ``checkpoint`` (meta-learned, one row of the head for any class) or ``reader``
    (adapted to ``classes``). ``about`` says where it came from: suite, target, seeds, digests,
    figures.
    """

    learner: DigitReader
    scaling: Scaling
    classes: tuple[str, ...] = ()
    kind: str = CHECKPOINT
    about: Mapping[str, Any] = field(default_factory=dict)


def new_reader(config: ReaderConfig, seed: int, classes: int = 1) -> DigitReader:
    """A reader with fresh weights, a function of ``seed`` alone."""
    return DigitReader(config, torch_generator(seed, "weights"), classes)


def adapted_reader(learner: DigitReader, params: Params) -> DigitReader:
    """A reader of its own with ``params``, such as adaptation gives, and nothing of ``inner``."""
    return with_values(new_reader(learner.config, 0, len(params["head_weight"])), params)


def save_model(model: ReaderModel, folder: Path) -> None:
    """Write ``model`` to ``folder``, whole or not at all; an older model there is replaced.

    Raises :class:`UserError` if other files are there, or the place cannot be written to.
    """
    head = {
        "task_kind": KIND,
        "kind": model.kind,
        "classes": list(model.classes),
        "reader": as_mapping(model.learner.config),
        "scaling": as_mapping(model.scaling),
    }
    write_model(folder, weights_of(model.learner), head, model.about, version=FORMAT_VERSION)


def _build(folder: Path, config: Mapping[str, Any], prepare: Prepare | None) -> ReaderModel:
    tensors = read_tensors(folder / WEIGHTS)
    settings = settings_in(ReaderConfig, config["reader"], folder)
    scaling = settings_in(Scaling, config["scaling"], folder)
    if not (math.isfinite(scaling.mean) and 0 < scaling.deviation < math.inf):
        raise ValueError(f"pixels cannot be scaled by {scaling}")
    classes = tuple(config["classes"])
    rows = tensors["head_weight"].shape[0]
    if not all(isinstance(name, str) for name in classes):
        raise ValueError("classes that cannot be")
    if rows != (len(classes) if config["kind"] == READER else 1):
        raise ValueError(f"{rows} rows of the head for the classes {classes}")
    learner = loaded_with(lambda: new_reader(settings, 0, rows), tensors, config["about"], prepare)
    return ReaderModel(learner, scaling, classes, config["kind"], config["about"])


_FORMAT = FolderFormat(KIND, READER, {"classes": list, "reader": dict, "scaling": dict}, _build)
load_model, load_prepared, read_config = _FORMAT.load, _FORMAT.load_prepared, _FORMAT.read_config
