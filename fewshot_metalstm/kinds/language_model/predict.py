"""What ``fewshot-metalstm predict`` does with a language model: what texts cost, and more text."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.kind import PredictionRequest
from fewshot_metalstm.kinds.language_model.model import PRODUCT, load_model
from fewshot_metalstm.kinds.language_model.sampling import sample
from fewshot_metalstm.kinds.language_model.score import Score
from fewshot_metalstm.kinds.language_model.scoring import score_spans
from fewshot_metalstm.kinds.language_model.tasks import TRAIN, TextTask
from fewshot_metalstm.kinds.language_model.text import Document, read_document
from fewshot_metalstm.printable import as_json, in_field, printable
from fewshot_metalstm.ranges import LARGEST_SEED
from fewshot_metalstm.writing import write_text

MOST = 100_000  # characters that are written at a time


def predict(
    request: PredictionRequest, sample_characters: int | None = None, seed: int | None = None,
    temperature: float | None = None,
) -> Iterator[str]:  # fmt: skip
    """Say what each file costs, or write on behind it; see :meth:`.Kind.predict`.

    Args:
        sample_characters: how many to write behind each file; None writes none.
        seed: of what is drawn; None is 0.
        temperature: what logits are divided by; None is 1.

    Raises:
        UserError: no language model there, files that are no text, or options that cannot be.
    """
    if sample_characters is None:
        for option, given in (("--seed", seed), ("--temperature", temperature)):
            if given is not None:
                raise UserError(f"{option} goes with --sample N; add it, or leave {option} out")
    elif not 1 <= sample_characters <= MOST:
        raise UserError(f"--sample is {sample_characters}; use 1 to {MOST}")
    heat = 1.0 if temperature is None else temperature
    if not (math.isfinite(heat) and heat >= 0):
        raise UserError(f"--temperature is {heat}; use 0 or more, such as 0.8")
    chosen = 0 if seed is None else seed
    if not 0 <= chosen <= LARGEST_SEED:
        raise UserError(f"--seed is {chosen}; use 0 to {LARGEST_SEED}")
    documents = [(path, read_document(path)) for path in request.files]
    model = load_model(request.model, PRODUCT)
    model.learner.to(request.device)
    if sample_characters is None:
        yield from _costs(request, model.learner, documents)
        return
    pieces = (
        (path, sample(model.learner, document.data, sample_characters, heat, chosen))
        for path, document in documents
    )
    if request.output is None and not request.as_json:
        for _, drawn in pieces:
            for character in drawn:
                yield printable(character)
            yield "\n"
        return
    texts = [(str(path), "".join(drawn)) for path, drawn in pieces]
    about = {"model": str(request.model), "seed": chosen, "temperature": heat}
    if request.output is not None:
        write_text("".join(f"{text}\n" for _, text in texts), request.output)
        summary = {**about, "output": str(request.output), "characters": sample_characters}
        line = f"{request.output}: {sample_characters} characters behind each of {len(texts)} files"
        yield (as_json(summary) if request.as_json else line) + "\n"
    else:
        # By file: one that is given twice has the same text twice, as the seed is the same.
        yield as_json({**about, "samples": dict(texts)}) + "\n"


def cost(learner: Any, document: Document) -> Score:
    """The score of a text from its first character on."""
    task = TextTask("text", "text", (document,), {TRAIN: (0,)})
    device = next(learner.parameters()).device
    return score_spans(learner, dict(learner.named_parameters()), task, task.spans(TRAIN), device)


def _costs(
    request: PredictionRequest, learner: Any, documents: list[tuple[Path, Document]]
) -> Iterator[str]:
    found = [(str(path), cost(learner, document)) for path, document in documents]
    if request.output is not None:
        rows = [f"{in_field(name)}\t{s.value:.4f}\t{s.size}\n" for name, s in found]
        write_text("".join(["file\tbpc\tcharacters\n", *rows]), request.output)
        summary = {"model": str(request.model), "output": str(request.output), "files": len(found)}
        line = f"{request.output}: bits per character of {len(found)} files"
        yield (as_json(summary) if request.as_json else line) + "\n"
    elif request.as_json:
        files = [
            {"file": name, "bpc": round(s.value, 4), "characters": s.size,
             **{key: round(value, 4) for key, value in s.further.items()}}
            for name, s in found
        ]  # fmt: skip
        yield as_json({"model": str(request.model), "files": files}) + "\n"
    else:
        for name, s in found:
            yield f"{in_field(name)}\t{s.value:.3f}\t{s.size}\n"
