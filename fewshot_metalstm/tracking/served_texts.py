"""Models that MLflow serves: what all have in common, and those whose input is a text a row.

Imports MLflow: reach it through ``serving`` of a kind only.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fewshot_metalstm.tracking.database import quieten

quieten()

from mlflow.exceptions import MlflowException  # noqa: E402  (after quieten, as the others)
from mlflow.models import ModelSignature  # noqa: E402
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE  # noqa: E402
from mlflow.pyfunc.model import PythonModel  # noqa: E402
from mlflow.types.schema import ColSpec, DataType, Schema  # noqa: E402

# What one request may hold; 0: no bound.
LIMITS: Mapping[str, int] = {"max_rows": 10_000, "max_characters": 20_000_000}


class Served(PythonModel):
    """A model of a kind that turns a table into another.

    Attributes:
        artifact: the name by which the model's folder was logged.
        limits: what one request may hold, by name; 0 for no bound.
    """

    artifact: str
    limits: Mapping[str, int]

    def __init__(self) -> None:
        self._loaded = False
        self._limits = dict(self.limits)

    def load_context(self, context: Any) -> None:
        """Load the model that was logged, and its limits."""
        self.load(Path(context.artifacts[self.artifact]))
        self._loaded = True
        given = context.model_config or {}
        self._limits = {name: int(given.get(name, limit)) for name, limit in self.limits.items()}

    # Without type hints, from which MLflow would make a signature of its own.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """What the model makes of a table, as a table.

        Raises:
            MlflowException: the input is not as the signature has it, or over the limits; the
                server answers it with status 400.
        """
        del context, params
        if not self._loaded:
            raise RuntimeError("the model is not loaded")
        return self.answered(model_input)

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Load a model's folder, and compile what a first request would wait for."""

    @abstractmethod
    def answered(self, table: Any) -> Any:
        """The answer to a table."""


class ServedTexts(Served):
    """A model that reads a column ``text``, and has a row for each of its rows."""

    limits = LIMITS

    def answered(self, table: Any) -> Any:
        """The columns of the answer, with the index of the table."""
        import pandas

        texts = table["text"].tolist()
        check_texts(texts, self._limits)
        return pandas.DataFrame(self.columns(texts), index=table.index)

    @abstractmethod
    def columns(self, texts: Sequence[str]) -> Mapping[str, Sequence[object]]:
        """The columns of the answer, a value for each text."""


def table_signature(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> ModelSignature:
    """The columns that go in and come out, with their types: names of MLflow's, such as ``double``.

    A type of several parts is one of :mod:`mlflow.types.schema`.
    """

    def schema(columns: Mapping[str, Any]) -> Schema:
        return Schema([
            ColSpec(DataType[kind] if isinstance(kind, str) else kind, name)
            for name, kind in columns.items()
        ])  # fmt: skip

    return ModelSignature(inputs=schema(inputs), outputs=schema(outputs))


def check_texts(texts: Sequence[object], limits: Mapping[str, int]) -> None:
    """Refuse what is no text, or too much; ``limits`` as :data:`LIMITS` has them."""
    size = 0
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise refused(
                f"row {number} (counted from 0) has no text; send a string in the column 'text'"
            )
        size += len(text)
    check_sizes({"max_rows": len(texts), "max_characters": size}, limits)


def check_sizes(sizes: Mapping[str, int], limits: Mapping[str, int]) -> None:
    """Refuse a request that holds more than the limits of the same names allow."""
    for name, size in sizes.items():
        if limits[name] and size > limits[name]:
            what = name.removeprefix("max_")
            raise refused(
                f"{size} {what}; send at most {limits[name]} at once, or load the model with "
                f"model_config={{'{name}': N}}, 0 for no bound"
            )


def refused(problem: str) -> MlflowException:
    """The error that the server answers with status 400."""
    return MlflowException(problem, error_code=INVALID_PARAMETER_VALUE)
