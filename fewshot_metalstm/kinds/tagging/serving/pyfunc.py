"""A tagger as MLflow's generic model: a table with a column ``text`` in, mentions out.

Imports MLflow: reach it through ``serving`` of the kind only. What a prediction
needs besides is torch, NumPy, safetensors and PyYAML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
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
from mlflow.types.schema import (  # noqa: E402
    Array,
    ColSpec,
    DataType,
    Object,
    Property,
    Schema,
)

from fewshot_metalstm.encoders.reference import read_reference  # noqa: E402
from fewshot_metalstm.kinds.tagging.adapt.predict import Predictor  # noqa: E402
from fewshot_metalstm.kinds.tagging.tagger.model import read_config  # noqa: E402

ARTIFACT = "tagger"
EXAMPLE = "Mice were infected with E. coli."
# What one request, or one batch, may hold. A million characters take some two seconds on a core;
# MLflow's server gives a request a minute. 0: no bound.
LIMITS: Mapping[str, int] = {"max_rows": 10_000, "max_characters": 5_000_000}


def serving() -> Serving:
    """How MLflow loads and serves a tagger; what a request may hold is :data:`LIMITS`."""
    script = Path(__file__).with_name("served_tagger.py")
    return Serving(
        script, ARTIFACT, signature(), {"text": [EXAMPLE]}, LIMITS, model_needs=_encoder_needs
    )


def _encoder_needs(model: Path) -> Sequence[str]:
    """The packages of the encoder that a tagger reads with, if it has one."""
    stored = read_config(model).get("encoder")
    return read_reference(stored).packages if stored else ()


class PyfuncTagger(PythonModel):
    """Tags the texts of a table; see :func:`signature` for what goes in and comes out."""

    def __init__(self) -> None:
        self._predictor: Predictor | None = None
        self._limits = dict(LIMITS)

    def load_context(self, context: Any) -> None:
        """Load the tagger that was logged with the model, and its limits."""
        self._predictor = Predictor(Path(context.artifacts[ARTIFACT]), torch.device("cpu"))
        # Kernels are compiled now, in a copy of the code that is new, and not in a first request.
        self._predictor.texts(["This is no request."])
        given = context.model_config or {}
        self._limits = {name: int(given.get(name, limit)) for name, limit in LIMITS.items()}

    # Without type hints, from which MLflow would make a signature of its own.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """The mentions of every text of the column ``text``, as a table with the same index.

        Raises:
            MlflowException: a text is missing, or the input is over the limits; the server
                answers it with status 400.
        """
        import pandas

        if self._predictor is None:
            raise RuntimeError("the model is not loaded")
        texts = model_input["text"].tolist()
        check(texts, self._limits)
        found = [[asdict(m) for m in mentions] for mentions in self._predictor.texts(texts)]
        return pandas.DataFrame({"mentions": found}, index=model_input.index)


def check(texts: Sequence[object], limits: Mapping[str, int]) -> None:
    """Refuse what is no text, or too much; ``limits`` are those of :data:`LIMITS`."""
    rows, characters = limits["max_rows"], limits["max_characters"]
    if rows and len(texts) > rows:
        raise _refused(f"{len(texts)} rows; send at most {rows} at once", "max_rows")
    size = 0
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise MlflowException(
                f"row {number} (counted from 0) has no text; send a string in the column 'text'",
                error_code=INVALID_PARAMETER_VALUE,
            )
        size += len(text)
    if characters and size > characters:
        problem = f"{size} characters; send at most {characters} at once"
        raise _refused(problem, "max_characters")


def _refused(problem: str, limit: str) -> MlflowException:
    cure = f"or load the model with model_config={{'{limit}': N}}, 0 for no bound"
    return MlflowException(f"{problem}, {cure}", error_code=INVALID_PARAMETER_VALUE)


def signature() -> ModelSignature:
    """A text in; out its mentions with start, end (characters), type, text and confidence."""
    mention = Object([
        Property("start", DataType.long),
        Property("end", DataType.long),
        Property("type", DataType.string),
        Property("text", DataType.string),
        Property("confidence", DataType.double),
    ])  # fmt: skip
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "text")]),
        outputs=Schema([ColSpec(Array(mention), "mentions")]),
    )
