"""A forecaster in a folder: weights and config. No pickle.

``model.safetensors`` holds the weights, ``config.json`` the format version, the kind of task, what
kind of model it is, the forecaster's config, where it came from, and the SHA-256 of the other
files. A checkpoint has ``moments.safetensors`` too: what its suite's windows add up to, of which
the linear path and the peer ``ridge-pooled`` are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fewshot_metalstm.compress.stored import read_tensors
from fewshot_metalstm.config import as_mapping
from fewshot_metalstm.kinds.forecasting.learner import Forecaster
from fewshot_metalstm.kinds.forecasting.ridge import Moments, solve
from fewshot_metalstm.kinds.forecasting.series import DAY, WEEK
from fewshot_metalstm.kinds.forecasting.settings import RIDGE, ForecasterConfig, RidgeConfig
from fewshot_metalstm.kinds.forecasting.tasks import KIND, ForecastTask
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
from fewshot_metalstm.tensors import write_tensors

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


def new_checkpoint(
    config: ForecasterConfig, ridge: RidgeConfig, tasks: Sequence[ForecastTask], seed: int
) -> ForecastModel:
    """A checkpoint to be trained, whose linear path may begin as ridge regression over train."""
    learner, moments = new_forecaster(config, seed), Moments.of_tasks(tasks)
    if config.linear == RIDGE:
        learner.set_linear(solve(ridge, None, moments))
    return ForecastModel(learner, moments)


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


def _build(folder: Path, config: Mapping[str, Any], prepare: Prepare | None) -> ForecastModel:
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


_FORMAT = FolderFormat(
    KIND, FORECASTER, {"forecaster": dict}, _build,
    lambda config: (_MOMENTS,) if config["kind"] == CHECKPOINT else (),
)  # fmt: skip
load_model, load_prepared, read_config = _FORMAT.load, _FORMAT.load_prepared, _FORMAT.read_config
