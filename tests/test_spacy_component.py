"""The spaCy component, where spaCy is installed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.api import Tagger
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.tagger.lexicon import Lexicon
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, save_model
from tests.kinds.tagging.tagger.builders import model

spacy = pytest.importorskip("spacy", reason="spaCy is not installed: pip install '.[spacy]'")

from fewshot_metalstm import spacy_component  # noqa: E402

TEXT = "The cell was in (w1). We saw\n  IL-2 and É 日 in a cell-line."


@pytest.fixture
def tagger(tmp_path: Path) -> Path:
    # What surely is a mention, and ends within "IL-2", a token of spaCy's.
    made = replace(model(2, TAGGER), lexicon=Lexicon({("il",): "T1"}, 100.0))
    save_model(made, tmp_path / "tagger")
    return tmp_path / "tagger"


def pipeline(tagger: Path, **config: Any) -> Any:
    nlp = spacy.blank("en")
    nlp.add_pipe(spacy_component.NAME, config={"model": str(tagger), **config})
    return nlp


def test_mentions_become_spans_with_confidences(tagger: Path) -> None:
    mentions = Tagger.from_pretrained(tagger).tag(TEXT)
    doc = pipeline(tagger)(TEXT)
    spans = list(doc.spans["fewshot_metalstm"])
    assert [(s.label_, s._.confidence, s._.offsets) for s in spans] == [
        (m.type, m.confidence, (m.start, m.end)) for m in mentions
    ]
    for span, mention in zip(spans, mentions, strict=True):
        assert span.start_char <= mention.start < mention.end <= span.end_char
    assert [s.text for s, m in zip(spans, mentions, strict=True) if m.text == "IL"] == ["IL-2"]
    assert 0 < len(doc.ents) <= len(spans)
    assert {(e.start, e.end, e.label_) for e in doc.ents} <= {
        (s.start, s.end, s.label_) for s in spans
    }


def test_a_stream_is_the_documents_one_by_one(tagger: Path) -> None:
    nlp = pipeline(tagger)
    texts = [TEXT, "", "We saw the cell"] * 3
    piped = [[(e.text, e.label_) for e in doc.ents] for doc in nlp.pipe(texts, batch_size=2)]
    assert piped == [[(e.text, e.label_) for e in nlp(text).ents] for text in texts]


@pytest.mark.parametrize("overwrite", [True, False])
def test_entities_that_were_there(tagger: Path, overwrite: bool) -> None:
    nlp = pipeline(tagger, overwrite=overwrite)
    nlp.add_pipe("entity_ruler", first=True).add_patterns([{"label": "ALL", "pattern": TEXT}])
    doc = nlp(TEXT)
    assert ({"ALL"} == {e.label_ for e in doc.ents}) is not overwrite
    assert len(doc.spans["fewshot_metalstm"]) > 0


def test_the_least_confidence_is_kept_to(tagger: Path) -> None:
    def confidences(**config: float) -> list[float]:
        doc = pipeline(tagger, **config)(TEXT)
        return sorted(span._.confidence for span in doc.spans["fewshot_metalstm"])

    every = confidences()
    assert every[0] < every[-1]
    assert confidences(min_confidence=every[-1]) == [c for c in every if c == every[-1]]


def test_a_pipeline_on_disk(tagger: Path, tmp_path: Path) -> None:
    nlp = pipeline(tagger)
    nlp.to_disk(tmp_path / "pipeline")
    again = spacy.load(tmp_path / "pipeline")
    assert [e.text for e in again(TEXT).ents] == [e.text for e in nlp(TEXT).ents]


def test_mistakes_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no model is named"):
        spacy.blank("en").add_pipe(spacy_component.NAME)
    save_model(model(), tmp_path / "checkpoint")
    with pytest.raises(UserError, match="is a checkpoint, not a tagger"):
        pipeline(tmp_path / "checkpoint")
