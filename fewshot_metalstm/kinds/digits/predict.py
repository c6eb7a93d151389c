"""What ``fewshot-metalstm predict`` does with a reader: PNG files in, classes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fewshot_metalstm.kinds.digits.encoding import CPU, Batch
from fewshot_metalstm.kinds.digits.model import READER, ReaderModel, load_model
from fewshot_metalstm.kinds.digits.png import read_png
from fewshot_metalstm.kinds.digits.reader import Pixels
from fewshot_metalstm.kinds.digits.score import parts
from fewshot_metalstm.kinds.kind import PredictionRequest
from fewshot_metalstm.printable import as_json, in_field
from fewshot_metalstm.writing import delimiter_of, table_text, write_text

COLUMNS = ("file", "class", "probability")


@dataclass(frozen=True)
class Reading:
    """What a picture was taken for, with the probability of every class, 0 to 1."""

    file: str
    name: str
    probabilities: dict[str, float]

    @property
    def probability(self) -> float:
        """That of the class it was taken for."""
        return self.probabilities[self.name]

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        rounded = {name: round(value, 4) for name, value in self.probabilities.items()}
        return {
            "file": self.file, "class": self.name, "probability": round(self.probability, 4),
            "probabilities": rounded,
        }  # fmt: skip


def predict(request: PredictionRequest) -> Iterator[str]:
    """Read the pictures of a request; see :meth:`fewshot_metalstm.kinds.kind.Kind.predict`.

    Raises:
        UserError: no reader there, a file that is no PNG picture, or an output of another form.
    """
    output = request.output
    delimiter = "" if output is None else delimiter_of(output, "the table")
    model = load_model(request.model, READER)
    model.learner.to(request.device)
    found = read_files(model, request)
    about = {"model": str(request.model), "classes": list(model.classes)}
    if output is not None:
        write_text(table(found, delimiter), output)
        summary: dict[str, Any] = {**about, "output": str(output), "images": len(found)}
        yield (as_json(summary) if request.as_json else f"{output}: {len(found)} images") + "\n"
    elif request.as_json:
        yield as_json({**about, "images": [one.as_dict() for one in found]}) + "\n"
    else:
        for one in found:
            yield f"{in_field(str(one.file))}\t{one.name}\t{one.probability:.4f}\n"


def read_files(model: ReaderModel, request: PredictionRequest) -> list[Reading]:
    """What the reader takes each file for, in order."""
    images = np.stack([_picture(path, request) for path in request.files])
    chances = probabilities(model, images, request.device).tolist()
    return [
        Reading(
            str(path), model.classes[int(np.argmax(row))],
            dict(zip(model.classes, row, strict=True)),
        )
        for path, row in zip(request.files, chances, strict=True)
    ]  # fmt: skip


@torch.no_grad()
def probabilities(model: ReaderModel, images: Pixels, device: torch.device = CPU) -> torch.Tensor:
    """The probability of each class for images (n, 28, 28), (n, classes), 0 to 1."""
    found = []
    for part in parts(len(images)):
        rows = model.scaling.rows(images[part]).to(device)
        labels = torch.zeros(len(part), dtype=torch.int64, device=device)  # not looked at
        scores = model.learner.scores(Batch(rows, labels, len(model.classes)))
        found.append(scores.softmax(dim=1).cpu())
    return torch.cat(found)


def table(found: Sequence[Reading], delimiter: str) -> str:
    """Readings as a table with a line at its head."""
    rows = [(one.file, one.name, f"{one.probability:.4f}") for one in found]
    return table_text([COLUMNS, *rows], delimiter)


def _picture(path: Path, request: PredictionRequest) -> Pixels:
    return read_png(path, lambda line: request.note(f"note: {line}"))
