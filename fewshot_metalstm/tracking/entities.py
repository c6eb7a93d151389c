"""Our values in MLflow's terms: keys it accepts, texts of parameters, dataset inputs.

MLflow is imported only by :func:`dataset_inputs`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fewshot_metalstm.tracked_run import DatasetInput

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput as MlflowDatasetInput

MAX_PARAM = 6000  # characters; MLflow refuses longer parameters
_MAX_DIGEST = 36
_MAX_KEY = 250
_DIGEST = 8  # hexadecimal digits that tell names apart which MLflow would have as one
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


class MetricKeys:
    """Keys of one run's metrics: two names never share one. Threads may ask at once.

    A name has the key of :func:`clean_key`. Where an earlier name of the run has that already, as
    with tasks whose names are of letters that are replaced, a digest of the name stands behind it:
    a run that is resumed meets the names in the same order, and so goes on with the same keys.
    """

    def __init__(self) -> None:
        self._of_names: dict[str, str] = {}
        self._taken: set[str] = set()
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> str:
        """The key of a metric; errors as of :func:`clean_key`."""
        with self._lock:
            return self._key(name)

    def _key(self, name: str) -> str:
        key = self._of_names.get(name)
        if key is None:
            key = clean_key(name)
            if key in self._taken:
                digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
                key = f"{key[: _MAX_KEY - _DIGEST - 1]}_{digest[:_DIGEST]}"
            self._of_names[name] = key
            self._taken.add(key)
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
