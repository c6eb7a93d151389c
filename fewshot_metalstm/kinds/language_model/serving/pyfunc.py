"""A language model as MLflow's generic model: a column ``text`` in, what each text costs out.

Imports MLflow: reach it through ``serving`` of the kind only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fewshot_metalstm.kinds.language_model.model import PRODUCT, load_model
from fewshot_metalstm.kinds.language_model.predict import cost
from fewshot_metalstm.kinds.language_model.text import Document
from fewshot_metalstm.tracking.served_texts import ServedTexts, refused, table_signature
from fewshot_metalstm.tracking.serving import Serving

EXAMPLE = "Walked up to the upper bog before the sun was over the ridge.\n"
# What one request may hold; 0: no bound.
LIMITS: Mapping[str, int] = {"max_rows": 1_000, "max_characters": 2_000_000}


def serving() -> Serving:
    """How MLflow loads and serves a language model; a request may hold :data:`LIMITS`."""
    script = Path(__file__).with_name("served_language_model.py")
    columns = {"bits_per_character": "double", "characters": "long"}
    signature = table_signature({"text": "string"}, columns)
    return Serving(script, PRODUCT, signature, {"text": [EXAMPLE]}, LIMITS)


class PyfuncLanguageModel(ServedTexts):
    """Bits per character of the texts of a table, each from its first character on."""

    artifact = PRODUCT
    limits = LIMITS

    def load(self, folder: Path) -> None:
        """See :class:`.Served`."""
        self._learner = load_model(folder, PRODUCT).learner
        self.columns([EXAMPLE])

    def columns(self, texts: Sequence[str]) -> Mapping[str, Sequence[object]]:
        """See :class:`.ServedTexts`: the cost of each text."""
        documents = [Document("text", self._bytes(at, text)) for at, text in enumerate(texts)]
        found = [cost(self._learner, document) for document in documents]
        return {
            "bits_per_character": [score.value for score in found],
            "characters": [score.size for score in found],
        }

    @staticmethod
    def _bytes(number: int, text: str) -> bytes:
        try:
            made = text.encode("utf-8")
        except UnicodeEncodeError:
            raise refused(f"row {number} (counted from 0) is no text; send Unicode") from None
        if not made:
            raise refused(f"row {number} (counted from 0) is empty; send some text")
        return made
