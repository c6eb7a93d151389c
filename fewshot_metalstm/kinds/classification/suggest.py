"""Which texts to label next: those that a classifier is unsure of, and that differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fewshot_metalstm.adapt.picking import check_diversity, pick
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.classification.predictor import Predictor, Reading
from fewshot_metalstm.kinds.classification.tables import Row
from fewshot_metalstm.kinds.classification.tasks import key_of
from fewshot_metalstm.kinds.classification.text import words


@dataclass(frozen=True)
class Suggestion:
    """A text worth labelling, as the classifier reads it; ``score`` is what it was chosen by."""

    row: Row
    reading: Reading
    score: float

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it and a file of JSON lines has it."""
        return {
            "id": self.row.id, "line": self.row.line, "text": self.row.text,
            "label": self.reading.name, "probability": round(self.reading.probability, 4),
            "uncertainty": round(self.reading.uncertainty, 4),
        }  # fmt: skip


def candidates(rows: Iterable[Row], known: Iterable[str] = ()) -> list[Row]:
    """The distinct texts with a word, without those that equal a ``known`` one."""
    seen = {key_of(text) for text in known}
    found = []
    for row in rows:
        key = key_of(row.text)
        if key not in seen and words(row.text):
            seen.add(key)
            found.append(row)
    return found


def suggest(
    predictor: Predictor, pool: Sequence[Row], number: int, diversity: float = 0.5
) -> list[Suggestion]:
    """The ``number`` texts of ``pool`` to label next, the most useful first.

    Uncertainty is 1 minus the probability of the likeliest class, likeness that of what stands
    for a text before the head; see :mod:`fewshot_metalstm.adapt.picking`.

    Args:
        diversity: 0 looks at uncertainty alone, 1 (after the first) at difference alone.

    Raises:
        UserError: a diversity outside 0 to 1, or an empty pool.
    """
    check_diversity(diversity)
    if not pool:
        raise UserError(
            "no text is left to suggest: none has a word and is not excluded; give another file"
        )
    texts = [row.text for row in pool]
    readings = predictor.read(texts)
    uncertainty = np.array([reading.uncertainty for reading in readings], np.float32)
    chosen = pick(uncertainty, predictor.states(texts), number, diversity)
    return [Suggestion(pool[i], readings[i], score) for i, score in chosen]
