"""Our values in MLflow's terms: keys it accepts, texts of parameters, dataset inputs.

MLflow is imported only by :func:`dataset_inputs`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fewshot_metalstm.tracked_run import DatasetInput

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput as MlflowDatasetInput

MAX_PARAM = 6000  # characters; MLflow refuses longer parameters
_MAX_DIGEST = 36
_MAX_KEY = 250
_REFUSED = re.compile(r"[^\w./ :-]+", re.ASCII)


def clean_key(name: str) -> str:
    """``name`` with every character that MLflow refuses in a key replaced by ``_``.

    Raises:
        ValueError: nothing is left, or the name is longer than MLflow allows.
    """
    key = _REFUSED.sub("_", name).strip("/ .")
    if not key or len(key) > _MAX_KEY:
        raise ValueError(f"{name!r}: not a name for a metric or a parameter")
    return key


def metric_value(value: float) -> float:
    """``value`` as MLflow should keep it: an infinity becomes NaN.

    MLflow would store an infinity as 1.8e308, which flattens every plot of the metric; a NaN is
    kept as such and leaves a gap.
    """
    number = float(value)
    return number if math.isfinite(number) else math.nan


def flatten(params: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Nested settings as dotted names and texts: ``{"a": {"b": 1}}`` gives ``{"a.b": "1"}``."""
    flat: dict[str, str] = {}
    for name, value in params.items():
        key = clean_key(f"{prefix}{name}")
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{key}.")
        elif isinstance(value, (list, tuple)):
            flat[key] = json.dumps(value, ensure_ascii=False, default=str)
        else:
            flat[key] = str(value)
    return flat


def dataset_inputs(datasets: Sequence[DatasetInput]) -> list[MlflowDatasetInput]:
    """Corpora as dataset inputs: MLflow shows 36 characters of a digest, the source holds all."""
    from mlflow.entities import Dataset, InputTag
    from mlflow.entities import DatasetInput as MlflowDatasetInput

    inputs = []
    for one in datasets:
        is_url = one.source.startswith(("http://", "https://"))
        source = {"url" if is_url else "uri": one.source, "sha256": one.digest}
        dataset = Dataset(
            name=one.name,
            digest=one.digest[:_MAX_DIGEST],
            source_type="http" if is_url else "local",
            source=json.dumps(source),
            profile=json.dumps(dict(one.profile)) if one.profile else None,
        )
        inputs.append(MlflowDatasetInput(dataset, [InputTag("mlflow.data.context", one.context)]))
    return inputs
