"""The spaCy component ``fewshot_metalstm``: an adapted tagger in a spaCy pipeline.

It reads ``doc.text`` with the tagger's own rules for sentences and tokens, which it was adapted
with, and sets ``doc.ents``. A mention that begins or ends within a token of spaCy's is widened to
whole tokens; ``span._.offsets`` keeps its characters and ``span._.confidence`` its probability.
All mentions stand in ``doc.spans["fewshot_metalstm"]`` too; of those that overlap when widened
``doc.ents`` takes the longest. Imports spaCy, which itself reaches it through the entry point
``spacy_factories``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from fewshot_metalstm.api import Tagger
from fewshot_metalstm.errors import UserError

NAME = "fewshot_metalstm"


@Language.factory(  # type: ignore[untyped-decorator]
    NAME,
    default_config={"model": None, "spans_key": NAME, "overwrite": True, "min_confidence": 0.0},
    assigns=["doc.ents", "token.ent_iob", "token.ent_type", "doc.spans"],
)
def make(
    nlp: Language,
    name: str,
    model: str | None,
    spans_key: str,
    overwrite: bool,
    min_confidence: float,
) -> Component:
    """Make the component; spaCy calls this for ``nlp.add_pipe("fewshot_metalstm", config=...)``.

    Args:
        nlp: the pipeline.
        name: what the component is called in it.
        model: the folder of an adapted tagger.
        spans_key: where in ``doc.spans`` all mentions are kept.
        overwrite: whether its mentions, rather than the entities that are there already, stand in
            ``doc.ents`` where the two overlap.
        min_confidence: mentions that are less probable than this are left out, 0 to 1.

    Raises:
        UserError: no model is named, or there is no adapted tagger.
    """
    if model is None:
        raise UserError(
            f'{name}: no model is named; add it with config={{"model": FOLDER}}, the folder of an '
            "adapted tagger"
        )
    tagger = Tagger.from_pretrained(model)
    if tagger.kind != "tagger":
        raise UserError(f"{model}: is a checkpoint, not a tagger; give a tagger that adapt wrote")
    return Component(tagger, spans_key, overwrite, min_confidence)


class Component:
    """Tags documents; see :func:`make`."""

    def __init__(
        self, tagger: Tagger, spans_key: str, overwrite: bool, min_confidence: float
    ) -> None:
        self.tagger = tagger
        self._key = spans_key
        self._overwrite = overwrite
        self._least = min_confidence
        for extension in ("confidence", "offsets"):
            if not Span.has_extension(extension):
                Span.set_extension(extension, default=None)

    def __call__(self, doc: Doc) -> Doc:
        """Tag one document, which is given back."""
        self._tag([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128, **_: Any) -> Iterator[Doc]:
        """Tag documents as they come, some together."""
        documents = iter(stream)
        while batch := list(islice(documents, batch_size)):
            self._tag(batch)
            yield from batch

    def to_disk(self, path: Any, *, exclude: Iterable[str] = ()) -> None:
        """Nothing: the pipeline's config names the tagger's folder, which stays where it is."""

    def from_disk(self, path: Any, *, exclude: Iterable[str] = ()) -> Component:
        """See :meth:`to_disk`."""
        return self

    def _tag(self, documents: list[Doc]) -> None:
        found = self.tagger.tag([doc.text for doc in documents])
        for doc, mentions in zip(documents, found, strict=True):
            spans = []
            for m in mentions:
                if m.confidence < self._least:
                    continue
                span = doc.char_span(m.start, m.end, label=m.type, alignment_mode="expand")
                span._.confidence = m.confidence
                span._.offsets = (m.start, m.end)
                spans.append(span)
            doc.spans[self._key] = spans
            before = list(doc.ents)
            first, then = (spans, before) if self._overwrite else (before, spans)
            kept = filter_spans(first)
            rest = [span for span in then if all(_apart(span, other) for other in kept)]
            doc.ents = [*kept, *filter_spans(rest)]


def _apart(one: Span, other: Span) -> bool:
    return bool(one.end <= other.start or other.end <= one.start)
