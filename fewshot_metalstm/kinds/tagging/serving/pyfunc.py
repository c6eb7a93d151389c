"""A tagger as MLflow's generic model: a table with a column ``text`` in, mentions out.

Imports MLflow: reach it through ``serving`` of the kind only. What a prediction
needs besides is torch, NumPy, safetensors and PyYAML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from fewshot_metalstm.encoders.reference import packages_of
from fewshot_metalstm.kinds.tagging.adapt.predict import Predictor
from fewshot_metalstm.kinds.tagging.tagger.model import read_config
from fewshot_metalstm.tracking.served_texts import ServedTexts, table_signature
from fewshot_metalstm.tracking.serving import Serving

ARTIFACT = "tagger"
EXAMPLE = "Mice were infected with E. coli."
# What one request, or one batch, may hold. A million characters take some two seconds on a core;
# MLflow's server gives a request a minute. 0: no bound.
LIMITS: Mapping[str, int] = {"max_rows": 10_000, "max_characters": 5_000_000}


def serving() -> Serving:
    """How MLflow loads and serves a tagger; what a request may hold is :data:`LIMITS`."""
    from mlflow.types.schema import Array, DataType, Object, Property

    script = Path(__file__).with_name("served_tagger.py")
    mention = Object([
        Property("start", DataType.long),
        Property("end", DataType.long),
        Property("type", DataType.string),
        Property("text", DataType.string),
        Property("confidence", DataType.double),
    ])  # fmt: skip
    signature = table_signature({"text": "string"}, {"mentions": Array(mention)})
    return Serving(
        script, ARTIFACT, signature, {"text": [EXAMPLE]}, LIMITS, model_needs=_encoder_needs
    )


def _encoder_needs(model: Path) -> Sequence[str]:
    """The packages of the encoder that a tagger reads with, if it has one."""
    return packages_of(read_config(model))


class PyfuncTagger(ServedTexts):
    """Tags the texts of a table: mentions with start, end (characters), type, text, confidence."""

    artifact = ARTIFACT
    limits = LIMITS

    def load(self, folder: Path) -> None:
        """See :class:`.Served`."""
        self._predictor = Predictor(folder, torch.device("cpu"))
        # Kernels are compiled now, in a copy of the code that is new, and not in a first request.
        self._predictor.texts(["This is no request."])

    def columns(self, texts: Sequence[str]) -> Mapping[str, Sequence[object]]:
        """See :class:`.ServedTexts`: the mentions of each text."""
        found = self._predictor.texts(list(texts))
        return {"mentions": [[asdict(m) for m in mentions] for mentions in found]}
