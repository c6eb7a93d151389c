"""What ``fewshot-metalstm predict`` does with a translator: sentences in, translations out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.kind import PredictionRequest
from fewshot_metalstm.kinds.translation.model import PRODUCT, TranslationModel, load_model
from fewshot_metalstm.kinds.translation.pairs import plain, read_sentences
from fewshot_metalstm.kinds.translation.scoring import translate
from fewshot_metalstm.printable import as_json, printable
from fewshot_metalstm.writing import beside

MOST = 64  # translations that are followed at a time
_AT_ONCE = 400  # lines that are translated before any of them is written


def predict(request: PredictionRequest, beam: int | None = None) -> Iterator[str]:
    """Translate each line of each file; see :meth:`.Kind.predict`.

    A line is translated for each line, an empty one for one without a word, so that line N of what
    is written is the translation of line N of what was read.

    Args:
        beam: translations that are followed at a time; None takes the model's.

    Raises:
        UserError: no translator there, files that are no text, a line that is longer than can be
            translated, or a beam that cannot be.
    """
    if beam is not None and not 1 <= beam <= MOST:
        raise UserError(f"--beam is {beam}; use 1 to {MOST}")
    files = [(path, read_sentences(path)) for path in request.files]
    model = load_model(request.model, PRODUCT)
    model.learner.to(request.device)
    chosen = model.learner.config.beam if beam is None else beam
    about = {"model": str(request.model), "beam": chosen}
    translator = _Lines(model, request, chosen)
    if request.output is not None:
        with beside(request.output) as part, part.open("w", encoding="utf-8", newline="\n") as file:
            for _, lines in files:
                file.writelines(f"{line}\n" for line in translator.of(lines))
        number = sum(len(lines) for _, lines in files)
        summary = {**about, "output": str(request.output), "lines": number, "cut": translator.cut}
        yield (as_json(summary) if request.as_json else f"{request.output}: {number} lines") + "\n"
    elif request.as_json:
        found = [
            {"file": str(path), "line": number, "text": line, "translation": made}
            for path, lines in files
            for number, (line, made) in enumerate(
                zip(lines, translator.of(lines), strict=True), 1
            )
        ]  # fmt: skip
        yield as_json({**about, "translations": found, "cut": translator.cut}) + "\n"
    else:
        for _, lines in files:
            for line in translator.of(lines):
                yield f"{printable(line)}\n"
    if translator.cut:
        request.note(
            f"note: {translator.cut} translations did not come to an end and were ended where they "
            "had twice the length of their sentence"
        )


class _Lines:
    """Translates lines, and counts those that came to no end."""

    def __init__(self, model: TranslationModel, request: PredictionRequest, beam: int) -> None:
        self._model, self._request, self._beam = model, request, beam
        self._params = dict(model.learner.named_parameters())
        self.cut = 0

    def of(self, lines: Sequence[str]) -> Iterator[str]:
        """The translation of each line, in order."""
        for first in range(0, len(lines), _AT_ONCE):
            yield from self._piece([plain(line) for line in lines[first : first + _AT_ONCE]])

    def _piece(self, lines: Sequence[str]) -> Iterator[str]:
        some = [i for i, line in enumerate(lines) if line]
        model = self._model
        made, cut = translate(
            model.learner, self._params, model.subwords, [lines[i] for i in some], self._beam,
            self._request.device,
        )  # fmt: skip
        self.cut += cut
        found = dict(zip(some, made, strict=True))
        return (found.get(i, "") for i in range(len(lines)))
