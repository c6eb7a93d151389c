"""A tiny tagger in a folder, and annotated text for it, for the tests of compressing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, save_model
from tests.kinds.tagging.tagger.builders import model, sentences

TEXT = sentences(30, ("T0", "T1"), 3)


def saved(folder: Path) -> Path:
    """A tagger of two types with fresh weights."""
    save_model(model(2, TAGGER), folder)
    return folder


def written(path: Path, text: Sequence[Sentence] = TEXT) -> Path:
    """Sentences as a column file."""
    rows = (zip(s.tokens, s.tags, strict=True) for s in text)
    path.write_text("\n".join("".join(f"{a}\t{b}\n" for a, b in each) for each in rows))
    return path
