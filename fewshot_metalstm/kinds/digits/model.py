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
from fewshot_metalstm.data import model_folder
from fewshot_metalstm.data.model_folder import built_of, check_files
from fewshot_metalstm.kinds.digits.encoding import Scaling
from fewshot_metalstm.kinds.digits.learner import DigitReader
from fewshot_metalstm.kinds.digits.reader import KIND
from fewshot_metalstm.kinds.digits.settings import ReaderConfig
from fewshot_metalstm.kinds.stored import (
    CHECKPOINT,
    WEIGHTS,
    loaded_with,
    settings_in,
    weights_of,
    with_values,
    write_model,
)
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.prepared import Prepare, prepare_as_recorded
from fewshot_metalstm.seeds import torch_generator

COMPRESSED_VERSION = 2  # of a model that `compress` wrote; it is the newest that is read
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


def load_model(
    folder: Path, kind: str | None = None, prepare: Prepare | None = None
) -> ReaderModel:
    """Read a model that :func:`save_model` wrote.

    Args:
        folder: where it is.
        kind: checkpoint or reader; None for either.
        prepare: called with the learner and ``about`` where there are weights of ``inner``.

    Raises:
        UserError: no model there, written by something else or by a newer version, damaged, or of
            another kind.
    """
    config = read_config(folder, kind)
    check_files(folder, (WEIGHTS,), config["sha256"])
    with built_of(folder):
        return _build(folder, config, prepare)


def load_prepared(folder: Path, kind: str | None = None) -> ReaderModel:
    """:func:`load_model`, with what the checkpoint's own meta-learner has learned."""
    return load_model(folder, kind, prepare_as_recorded)


def read_config(folder: Path, kind: str | None = None) -> dict[str, Any]:
    """Read and check a model's ``config.json`` only; errors as for :func:`load_model`."""
    return model_folder.read_config(
        folder, kind, kind=KIND, version=COMPRESSED_VERSION,
        needed={"kind": str, "classes": list, "reader": dict, "scaling": dict, "about": dict,
                "sha256": dict},
        roles={CHECKPOINT: "give a checkpoint that meta-train wrote",
               READER: "give a reader that adapt wrote"},
    )  # fmt: skip


def _build(folder: Path, config: Mapping[str, Any], prepare: Prepare | None) -> ReaderModel:
    tensors = read_tensors(folder / WEIGHTS)
    settings = settings_in(ReaderConfig, config["reader"], folder)
    scaling = settings_in(Scaling, config["scaling"], folder)
    if not (math.isfinite(scaling.mean) and 0 < scaling.deviation < math.inf):
        raise ValueError(f"pixels cannot be scaled by {scaling}")
    classes = tuple(config["classes"])
    rows = tensors["head_weight"].shape[0]
    if config["kind"] not in (CHECKPOINT, READER) or not all(isinstance(c, str) for c in classes):
        raise ValueError("a kind or classes that cannot be")
    if rows != (len(classes) if config["kind"] == READER else 1):
        raise ValueError(f"{rows} rows of the head for the classes {classes}")
    learner = loaded_with(lambda: new_reader(settings, 0, rows), tensors, config["about"], prepare)
    return ReaderModel(learner, scaling, classes, config["kind"], config["about"])
