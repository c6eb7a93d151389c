"""A classifier as MLflow's generic model: a table with a column ``text`` in, labels out.

Imports MLflow: reach it through ``serving`` of the kind only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fewshot_metalstm.tracking.database import quieten
from fewshot_metalstm.tracking.serving import Serving

quieten()

import torch  # noqa: E402  (after quieten, as the others)
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.models import ModelSignature  # noqa: E402
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE  # noqa: E402
from mlflow.pyfunc.model import PythonModel  # noqa: E402
from mlflow.types.schema import Array, ColSpec, DataType, Object, Property, Schema  # noqa: E402

from fewshot_metalstm.kinds.classification.predictor import Predictor  # noqa: E402

ARTIFACT = "classifier"
EXAMPLE = "It broke after a week, and nobody answered."
# What one request may hold; 0: no bound.
LIMITS: Mapping[str, int] = {"max_rows": 10_000, "max_characters": 20_000_000}


def serving() -> Serving:
    """How MLflow loads and serves a classifier; what a request may hold is :data:`LIMITS`."""
    script = Path(__file__).with_name("served_classifier.py")
    needs = ("mlflow", "numpy", "PyYAML", "safetensors", "scipy", "torch")
    return Serving(script, ARTIFACT, signature(), {"text": [EXAMPLE]}, LIMITS, needs)


class PyfuncClassifier(PythonModel):
    """Labels the texts of a table; see :func:`signature` for what goes in and comes out."""

    def __init__(self) -> None:
        self._predictor: Predictor | None = None
        self._limits = dict(LIMITS)

    def load_context(self, context: Any) -> None:
        """Load the classifier that was logged with the model, and its limits."""
        self._predictor = Predictor(Path(context.artifacts[ARTIFACT]), torch.device("cpu"))
        # Kernels are compiled now, in a copy of the code that is new, and not in a first request.
        self._predictor.read([EXAMPLE])
        given = context.model_config or {}
        self._limits = {name: int(given.get(name, limit)) for name, limit in LIMITS.items()}

    # Without type hints, from which MLflow would make a signature of its own.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """The label of every text of the column ``text``, as a table with the same index.

        Raises:
            MlflowException: a text is missing, or the input is over the limits; the server
                answers it with status 400.
        """
        import pandas

        if self._predictor is None:
            raise RuntimeError("the model is not loaded")
        texts = model_input["text"].tolist()
        check(texts, self._limits)
        found = self._predictor.read(texts)
        rows = {
            "label": [each.name for each in found],
            "probability": [each.probability for each in found],
            "probabilities": [
                [{"label": name, "probability": value}
                 for name, value in zip(each.classes, each.probabilities, strict=True)]
                for each in found
            ],
        }  # fmt: skip
        return pandas.DataFrame(rows, index=model_input.index)


def check(texts: Sequence[object], limits: Mapping[str, int]) -> None:
    """Refuse what is no text, or too much; ``limits`` are those of :data:`LIMITS`."""
    sizes = {"max_rows": len(texts), "max_characters": 0}
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise MlflowException(
                f"row {number} (counted from 0) has no text; send a string in the column 'text'",
                error_code=INVALID_PARAMETER_VALUE,
            )
        sizes["max_characters"] += len(text)
    for name, size in sizes.items():
        if limits[name] and size > limits[name]:
            what = name.removeprefix("max_")
            raise MlflowException(
                f"{size} {what}; send at most {limits[name]} at once, or load the model with "
                f"model_config={{'{name}': N}}, 0 for no bound",
                error_code=INVALID_PARAMETER_VALUE,
            )


def signature() -> ModelSignature:
    """A text in; out its label, the label's probability and that of every class."""
    chance = Object([
        Property("label", DataType.string), Property("probability", DataType.double),
    ])  # fmt: skip
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "text")]),
        outputs=Schema([
            ColSpec(DataType.string, "label"), ColSpec(DataType.double, "probability"),
            ColSpec(Array(chance), "probabilities"),
        ]),
    )  # fmt: skip
