"""A forecaster in a folder: weights and config. No pickle.

``model.safetensors`` holds the weights, ``config.json`` the format version, the kind of task, what
kind of model it is, the forecaster's config, where it came from, and the SHA-256 of the other
files. A checkpoint has ``moments.safetensors`` too: what its suite's windows add up to, of which
the linear path and the peer ``ridge-pooled`` are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fewshot_metalstm.compress.stored import read_tensors
from fewshot_metalstm.config import as_mapping
from fewshot_metalstm.data import model_folder
from fewshot_metalstm.data.model_folder import built_of, check_files
from fewshot_metalstm.kinds.forecasting.learner import Forecaster
from fewshot_metalstm.kinds.forecasting.ridge import Moments
from fewshot_metalstm.kinds.forecasting.series import DAY, WEEK
from fewshot_metalstm.kinds.forecasting.settings import ForecasterConfig
from fewshot_metalstm.kinds.forecasting.tasks import KIND
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
from fewshot_metalstm.tensors import write_tensors

COMPRESSED_VERSION = 2  # of a model that `compress` wrote; it is the newest that is read
FORMAT_VERSION = 1
FORECASTER = "forecaster"
_MOMENTS = "moments.safetensors"


@dataclass(frozen=True)
class ForecastModel:
    """A forecaster with all that it needs.

    ``kind`` is ``checkpoint`` (meta-learned, with the ``moments`` of its suite) or ``forecaster``
    (adapted). ``about`` says where it came from: suite, target, seeds, digests, figures.
    """

    learner: Forecaster
    moments: Moments | None = None
    kind: str = CHECKPOINT
    about: Mapping[str, Any] = field(default_factory=dict)


def new_forecaster(config: ForecasterConfig, seed: int) -> Forecaster:
    """A forecaster with fresh weights, a function of ``seed`` alone."""
    return Forecaster(config, torch_generator(seed, "weights"))


def adapted_forecaster(learner: Forecaster, params: Params) -> Forecaster:
    """A forecaster of its own with ``params``, such as adaptation gives, without ``inner``."""
    return with_values(new_forecaster(learner.config, 0), params)


def save_model(model: ForecastModel, folder: Path) -> None:
    """Write ``model`` to ``folder``, whole or not at all; an older model there is replaced.

    Raises :class:`UserError` if other files are there, or the place cannot be written to.
    """
    head = {
        "task_kind": KIND, "kind": model.kind, "forecaster": as_mapping(model.learner.config),
    }  # fmt: skip
    write_model(
        folder, weights_of(model.learner), head, model.about, version=FORMAT_VERSION,
        further=lambda new: _write_moments(model.moments, new),
    )  # fmt: skip


def _write_moments(moments: Moments | None, folder: Path) -> list[str]:
    """Write those of a suite, where there are any; the files' names."""
    import torch

    if moments is None:
        return []
    values = {
        name: torch.from_numpy(np.ascontiguousarray(value, np.float64))
        for name, value in vars(moments).items()
    }
    write_tensors(values, folder / _MOMENTS)
    return [_MOMENTS]


def load_model(
    folder: Path, kind: str | None = None, prepare: Prepare | None = None
) -> ForecastModel:
    """Read a model that :func:`save_model` wrote.

    Args:
        folder: where it is.
        kind: checkpoint or forecaster; None for either.
        prepare: called with the learner and ``about`` where there are weights of ``inner``.

    Raises:
        UserError: no model there, written by something else or by a newer version, damaged, or of
            another kind.
    """
    config = read_config(folder, kind)
    names = [WEIGHTS, *([_MOMENTS] if config["kind"] == CHECKPOINT else [])]
    check_files(folder, names, config["sha256"])
    with built_of(folder):
        return _build(folder, config, prepare)


def load_prepared(folder: Path, kind: str | None = None) -> ForecastModel:
    """:func:`load_model`, with what the checkpoint's own meta-learner has learned."""
    return load_model(folder, kind, prepare_as_recorded)


def read_config(folder: Path, kind: str | None = None) -> dict[str, Any]:
    """Read and check a model's ``config.json`` only; errors as for :func:`load_model`."""
    return model_folder.read_config(
        folder, kind, kind=KIND, version=COMPRESSED_VERSION,
        needed={"kind": str, "forecaster": dict, "about": dict, "sha256": dict},
        roles={CHECKPOINT: "give a checkpoint that meta-train wrote",
               FORECASTER: "give a forecaster that adapt wrote"},
    )  # fmt: skip


def _build(folder: Path, config: Mapping[str, Any], prepare: Prepare | None) -> ForecastModel:
    if config["kind"] not in (CHECKPOINT, FORECASTER):
        raise ValueError("a kind that cannot be")
    tensors = read_tensors(folder / WEIGHTS)
    moments = None
    if config["kind"] == CHECKPOINT:
        from safetensors.torch import load_file

        stored = load_file(folder / _MOMENTS)
        moments = Moments(stored["inputs"].numpy(), stored["outputs"].numpy())
        if moments.inputs.shape != (WEEK + 1,) * 2 or moments.outputs.shape != (WEEK + 1, DAY):
            raise ValueError("moments of another shape")
    settings = settings_in(ForecasterConfig, config["forecaster"], folder)
    learner = loaded_with(lambda: new_forecaster(settings, 0), tensors, config["about"], prepare)
    return ForecastModel(learner, moments, config["kind"], config["about"])
