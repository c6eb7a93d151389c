"""What ``fewshot-metalstm predict`` does with a classifier: texts in, labels out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.classification.predictor import Predictor, Reading, cut_note
from fewshot_metalstm.kinds.classification.tables import Row, read_texts
from fewshot_metalstm.kinds.kind import PredictionRequest
from fewshot_metalstm.printable import as_json, in_field
from fewshot_metalstm.writing import DELIMITERS, table_text, write_text

LINES = ".jsonl"
NO_WORD = "texts without a word: their label is a guess"


@dataclass(frozen=True)
class Labelled:
    """A text of a file, and what it was taken for."""

    file: str
    row: Row
    reading: Reading

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        chances = zip(self.reading.classes, self.reading.probabilities, strict=True)
        return {
            "file": self.file, "id": self.row.id, "line": self.row.line, "text": self.row.text,
            "label": self.reading.name, "probability": round(self.reading.probability, 4),
            "probabilities": {name: round(value, 4) for name, value in chances},
        }  # fmt: skip


def predict(request: PredictionRequest, text_column: str | None = None) -> Iterator[str]:
    """Label the texts of a request; see :meth:`fewshot_metalstm.kinds.kind.Kind.predict`.

    Raises:
        UserError: no classifier there, files that cannot be read, or an output of another form.
    """
    output = request.output
    known = (*DELIMITERS, LINES)
    if output is not None and output.suffix.lower() not in known:
        names = ", ".join(filter(None, known))
        raise UserError(f"{output}: is written as {names}; name the file so")
    notes: Counter[str] = Counter()
    given = [(path, list(read_texts(path, notes, text_column))) for path in request.files]
    predictor = Predictor(request.model, request.device)
    found = [each for path, rows in given for each in labelled(predictor, path, rows)]
    readings = [each.reading for each in found]
    notes[NO_WORD] += sum(not reading.tokens for reading in readings)
    lines = [f"{number} {name}" for name, number in notes.items() if number]
    for line in (*lines, cut_note(readings, predictor.model.learner.config.longest)):
        if line:
            request.note(f"note: {line}")
    about = {"model": str(request.model), "classes": list(predictor.classes)}
    if output is not None:
        written = as_lines(found) if output.suffix.lower() == LINES else table(
            found, predictor.classes, DELIMITERS[output.suffix.lower()]
        )  # fmt: skip
        write_text(written, output)
        summary = {**about, "output": str(output), "texts": len(found), "notes": lines}
        yield (as_json(summary) if request.as_json else f"{output}: {len(found)} texts") + "\n"
    elif request.as_json:
        texts = [each.as_dict() for each in found]
        yield as_json({**about, "texts": texts, "notes": lines}) + "\n"
    else:
        for each in found:
            yield (
                f"{in_field(each.file)}\t{in_field(each.row.id)}\t{in_field(each.reading.name)}\t"
                f"{each.reading.probability:.4f}\n"
            )


def labelled(predictor: Predictor, path: Path, rows: Sequence[Row]) -> list[Labelled]:
    """The texts of a file with what they were taken for."""
    readings = predictor.read([row.text for row in rows])
    return [Labelled(str(path), row, each) for row, each in zip(rows, readings, strict=True)]


def table(found: Sequence[Labelled], classes: Sequence[str], delimiter: str) -> str:
    """Texts with label and probabilities as a table; each class has a column of its own."""
    head = ("file", "id", "text", "label", "probability", *(f"p({name})" for name in classes))
    rows = [
        (
            each.file, each.row.id, each.row.text, each.reading.name,
            f"{each.reading.probability:.4f}",
            *(f"{value:.4f}" for value in each.reading.probabilities),
        )
        for each in found
    ]  # fmt: skip
    return table_text([head, *rows], delimiter)


def as_lines(found: Sequence[Labelled]) -> str:
    """Texts with label and probabilities, an object of JSON a line."""
    return "".join(json.dumps(each.as_dict(), ensure_ascii=False) + "\n" for each in found)
