"""spaCy's blank English NER: writes its training data and tags a file.

Training itself is spaCy's own command (`spacy init config`, `spacy train`), as a user runs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.peers.serving import serve

spacy: Any = import_module("spacy")
tokens: Any = import_module("spacy.tokens")
training: Any = import_module("spacy.training")

_BILUO = {"E": "L", "S": "U"}
BATCH = 16  # documents; the fastest of 16, 64 and 256


class Peer:
    """One pipeline, once loaded."""

    def __init__(self) -> None:
        self.nlp: Any = None

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do what ``request["do"]`` names."""
        result: Mapping[str, Any] = getattr(self, request["do"])(request)
        return result

    def write_docs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Write ``sentences`` (tokens and IOBES tags) as spaCy's training data to ``path``."""
        vocabulary = spacy.blank("en").vocab
        docs = tokens.DocBin()
        for words, tags in request["sentences"]:
            doc = tokens.Doc(vocabulary, words=words)
            biluo = [_BILUO.get(t[0], t[0]) + t[1:] for t in tags]
            doc.ents = training.biluo_tags_to_spans(doc, biluo)
            docs.add(doc)
        docs.to_disk(request["path"])
        return {}

    def load(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Load the pipeline at ``path``."""
        self.nlp = spacy.load(request["path"])
        return {"version": spacy.__version__}

    def tag(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Tag ``text``, a document a line; write a mention a line to ``output``."""
        count, base = 0, 0
        lines = Path(request["text"]).read_text(encoding="utf-8").split("\n")
        with Path(request["output"]).open("w", encoding="utf-8") as output:
            for line, doc in zip(lines, self.nlp.pipe(lines, batch_size=BATCH), strict=True):
                for span in doc.ents:
                    start, end = base + span.start_char, base + span.end_char
                    output.write(f"{start}\t{end}\t{span.label_}\t{span.text}\n")
                    count += 1
                base += len(line) + 1
        return {"mentions": count}


if __name__ == "__main__":
    serve(Peer().answer)
