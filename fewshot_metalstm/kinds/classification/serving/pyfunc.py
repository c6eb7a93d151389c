"""A classifier as MLflow's generic model: a table with a column ``text`` in, labels out.

Imports MLflow: reach it through ``serving`` of the kind only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from fewshot_metalstm.encoders.reference import packages_of
from fewshot_metalstm.kinds.classification.model import read_config
from fewshot_metalstm.kinds.classification.predictor import Predictor
from fewshot_metalstm.tracking.served_texts import LIMITS, ServedTexts, table_signature
from fewshot_metalstm.tracking.serving import Serving

ARTIFACT = "classifier"
EXAMPLE = "It broke after a week, and nobody answered."


def serving() -> Serving:
    """How MLflow loads and serves a classifier."""
    from mlflow.types.schema import Array, DataType, Object, Property

    script = Path(__file__).with_name("served_classifier.py")
    needs = ("mlflow", "numpy", "PyYAML", "safetensors", "scipy", "torch")
    chance = Object([
        Property("label", DataType.string), Property("probability", DataType.double),
    ])  # fmt: skip
    columns = {"label": "string", "probability": "double", "probabilities": Array(chance)}
    signature = table_signature({"text": "string"}, columns)
    return Serving(
        script, ARTIFACT, signature, {"text": [EXAMPLE]}, LIMITS, needs, model_needs=_encoder_needs
    )


def _encoder_needs(model: Path) -> Sequence[str]:
    """The packages of the encoder that a classifier reads with, if it has one."""
    return packages_of(read_config(model))


class PyfuncClassifier(ServedTexts):
    """Labels the texts of a table: each one's label, its probability and that of every class."""

    artifact = ARTIFACT

    def load(self, folder: Path) -> None:
        """See :class:`.Served`."""
        self._predictor = Predictor(folder, torch.device("cpu"))
        # Kernels are compiled now, in a copy of the code that is new, and not in a first request.
        self._predictor.read([EXAMPLE])

    def columns(self, texts: Sequence[str]) -> Mapping[str, Sequence[object]]:
        """See :class:`.ServedTexts`: the label of each text."""
        found = self._predictor.read(list(texts))
        return {
            "label": [each.name for each in found],
            "probability": [each.probability for each in found],
            "probabilities": [
                [{"label": name, "probability": value}
                 for name, value in zip(each.classes, each.probabilities, strict=True)]
                for each in found
            ],
        }  # fmt: skip
