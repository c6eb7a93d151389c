"""What else may be a mention, against the enumeration of every tagging of small sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fewshot_metalstm.kinds.tagging.corpora.schemes import spans
from fewshot_metalstm.kinds.tagging.corpora.sentence import TokenLabels
from fewshot_metalstm.kinds.tagging.tagger.confidence import read
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER
from fewshot_metalstm.kinds.tagging.tagger.possible import gives_spans, possible
from tests.kinds.tagging.tagger.builders import model
from tests.kinds.tagging.tagger.test_confidence import TYPES, chances, outspoken


def test_probabilities_equal_enumeration() -> None:
    made = replace(outspoken()[0], types=TYPES)
    text = [("the", "cell", "saw"), ("was",), (), ("w1", "gene2", "was", "of")]
    found = possible(made, text, least=0.0, longest=3)
    assert found[2] == ()
    for tokens, given in zip(text, found, strict=True):
        if not tokens:
            continue
        every, _ = chances(made, tokens, torch.zeros(len(tokens), 9, dtype=torch.float64))
        sizes = [min(3, len(tokens) - start) for start in range(len(tokens))]
        assert len(given) == len({span for span, _ in given}) == 2 * sum(sizes)
        for span, chance in given:
            holding = sum(p for tags, p in every.items() if span in spans(tags))
            assert chance == pytest.approx(holding, abs=1e-6)
        falling = [chance for _, chance in given]
        assert falling == sorted(falling, reverse=True)


def test_what_is_tagged_is_there_with_its_confidence() -> None:
    made = replace(outspoken()[0], types=TYPES)
    text = [("the", "cell", "saw", "w9"), ("w1", "gene2", "was", "of")]
    mentions = 0
    for reading, every in zip(read(made, text), possible(made, text), strict=True):
        known = dict(every)
        for span, sure in zip(reading.mentions, reading.confidences, strict=True):
            mentions += 1
            assert known[span] == pytest.approx(sure, abs=1e-6)
        assert all(chance >= 0.02 for chance in known.values())
    assert mentions >= 1


def test_none_of_one_label_a_token() -> None:
    made = model(2, TAGGER)
    assert gives_spans(made)
    single = replace(made, types=TokenLabels(made.types))
    assert not gives_spans(single)
    assert possible(single, [("w1", "was")]) == [()]
