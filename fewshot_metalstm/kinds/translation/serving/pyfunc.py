"""A translator as MLflow's generic model: a table with a column ``text`` in, translations out.

Imports MLflow: reach it through ``serving`` of the kind only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fewshot_metalstm.kinds.translation.model import PRODUCT, load_model
from fewshot_metalstm.kinds.translation.pairs import plain, too_long
from fewshot_metalstm.kinds.translation.scoring import translate
from fewshot_metalstm.tracking.served_texts import ServedTexts, refused, table_signature
from fewshot_metalstm.tracking.serving import Serving

EXAMPLE = "Two dogs run through the snow."
# What one request may hold; 0: no bound.
LIMITS: Mapping[str, int] = {"max_rows": 1_000, "max_characters": 1_000_000}


def serving() -> Serving:
    """How MLflow loads and serves a translator; what a request may hold is :data:`LIMITS`."""
    script = Path(__file__).with_name("served_translator.py")
    signature = table_signature({"text": "string"}, {"translation": "string"})
    needs = ("mlflow", "numpy", "PyYAML", "safetensors", "tokenizers", "torch")
    return Serving(script, PRODUCT, signature, {"text": [EXAMPLE]}, LIMITS, needs)


class PyfuncTranslator(ServedTexts):
    """Translates the texts of a table; one without a word has an empty translation."""

    artifact = PRODUCT
    limits = LIMITS

    def load(self, folder: Path) -> None:
        """See :class:`.Served`."""
        self._model = load_model(folder, PRODUCT)
        self._params = dict(self._model.learner.named_parameters())
        self.columns([EXAMPLE])

    def columns(self, texts: Sequence[str]) -> Mapping[str, Sequence[object]]:
        """See :class:`.ServedTexts`: the translation of each text.

        Raises:
            MlflowException: one is longer than can be translated.
        """
        learner = self._model.learner
        lines = [plain(text) for text in texts]
        for row, line in enumerate(lines):
            problem = too_long(line)
            if problem is not None:
                raise refused(f"row {row} (counted from 0) {problem}; send a sentence a row")
        some = [place for place, line in enumerate(lines) if line]
        made, _ = translate(
            learner, self._params, self._model.subwords, [lines[i] for i in some],
            learner.config.beam,
        )  # fmt: skip
        found = dict(zip(some, made, strict=True))
        return {"translation": [found.get(place, "") for place in range(len(lines))]}
