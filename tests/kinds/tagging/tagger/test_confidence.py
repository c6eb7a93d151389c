"""Confidences against the enumeration of every tagging of small sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from fewshot_metalstm.kinds.tagging.corpora.schemes import spans
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger import decode
from fewshot_metalstm.kinds.tagging.tagger.confidence import Reading, read, read_with
from fewshot_metalstm.kinds.tagging.tagger.decode import tag
from fewshot_metalstm.kinds.tagging.tagger.encoding import labels
from fewshot_metalstm.kinds.tagging.tagger.lexicon import Lexicon
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, TaggerModel
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.nn.crf import mention_marginals
from tests.kinds.tagging.tagger.builders import encoded, model, own, sentences
from tests.nn.paths import legal_paths, names, path_score

TYPES = ("X", "Y")


def outspoken(scale: float = 2.0) -> tuple[TaggerModel, Params]:
    """A tagger whose weights are large enough for many mentions, in double precision."""
    made = model(types=2)
    made.learner.double()
    params = own(made.learner)
    generator = torch.Generator().manual_seed(0)
    params["head_type"] = torch.randn(2, 4, 16, generator=generator, dtype=torch.float64) * scale
    params["head_transitions"] = torch.randn(
        params["head_transitions"].shape, generator=generator, dtype=torch.float64
    )
    made.learner.load_state_dict(params)
    return made, params


def chances(
    made: TaggerModel, tokens: tuple[str, ...], prior: torch.Tensor
) -> tuple[dict[tuple[str, ...], float], torch.Tensor]:
    """The probability of every legal tagging of a sentence, and the emissions."""
    sentence = Sentence(tokens, ("O",) * len(tokens))
    batch = encoded(made.table(), [sentence], TYPES)
    emissions = made.learner.emissions(batch)[0].detach() + prior
    paths = legal_paths(2, len(tokens))
    scores = made.learner.head_transitions.detach()
    total = torch.stack([path_score(emissions, scores, path, names(2)) for path in paths])
    tags = labels(TYPES)
    every = [tuple(tags[i] for i in path) for path in paths]
    return dict(zip(every, torch.softmax(total, 0).tolist(), strict=True)), emissions


def test_readings_equal_enumeration() -> None:
    made, params = outspoken()
    lexicon = Lexicon({("cell", "saw"): "Y", ("was",): "X"}, 1.5)
    text = [
        ("the", "cell", "saw"), ("was",), ("w1", "gene2", "was", "of"), ("in", "w3"), (),
        ("Cell", "SAW", "w9"),
    ]  # fmt: skip
    bonuses = {0: [(1, "B-Y"), (2, "E-Y")], 1: [(0, "S-X")], 2: [(2, "S-X")], 3: [], 5: [
        (0, "B-Y"), (1, "E-Y")]}  # fmt: skip
    readings = read_with(made.learner, params, made.table(), text, TYPES, lexicon)
    assert readings[4] == Reading()
    mentions = 0
    for i, places in bonuses.items():
        prior = torch.zeros(len(text[i]), 9, dtype=torch.float64)
        for place, name in places:
            prior[place, labels(TYPES).index(name)] = 1.5
        every, emissions = chances(made, text[i], prior)
        given = readings[i]
        assert given.tags == max(every, key=lambda tags: every[tags])
        assert given.uncertainty == pytest.approx(1 - every[given.tags], abs=1e-9)
        assert given.mentions == tuple(spans(given.tags))
        mentions += len(given.mentions)
        for span, confidence in zip(given.mentions, given.confidences, strict=True):
            holding = sum(p for tags, p in every.items() if span in spans(tags))
            assert confidence == pytest.approx(holding, abs=1e-9)
            plain = mention_marginals(
                emissions.unsqueeze(0), params["head_transitions"],
                torch.tensor([len(text[i])]),
                torch.tensor([[0, span.start, span.end, TYPES.index(span.type)]]), plain=True,
            )  # fmt: skip
            assert confidence == pytest.approx(float(plain), abs=1e-9)
    assert mentions >= 3, "something must be found"


@pytest.mark.parametrize("tokens", [1, 25, 4096])
def test_batches_do_not_show_and_tags_are_those_of_decoding(
    monkeypatch: pytest.MonkeyPatch, tokens: int
) -> None:
    monkeypatch.setattr(decode, "TOKENS", tokens)
    made, params = outspoken()
    lexicon = Lexicon({("the",): "X", ("w7", "of"): "Y"}, 2.0)
    text: list[Sequence[str]] = [s.tokens for s in sentences(20, TYPES, 1)]
    text.insert(3, ("long", "the") * 40)  # longer than a batch: it stands alone, whole
    text.insert(0, ())
    readings = read_with(made.learner, params, made.table(), text, TYPES, lexicon)
    tags = tag(made.learner, params, made.table(), text, TYPES, lexicon)
    assert [r.tags for r in readings] == tags
    assert sum(len(r.mentions) for r in readings) > 20
    for one, given in zip(text, readings, strict=True):
        (alone,) = read_with(made.learner, params, made.table(), [one], TYPES, lexicon)
        assert (alone.tags, alone.mentions) == (given.tags, given.mentions)
        assert alone.confidences == pytest.approx(given.confidences, abs=1e-12)
        assert alone.uncertainty == pytest.approx(given.uncertainty, abs=1e-12)
        # The best tagging holds each of its mentions.
        assert all(1 - given.uncertainty <= c + 1e-12 <= 1 + 1e-12 for c in given.confidences)


def test_a_tagger_in_single_precision_and_its_lexicon() -> None:
    made = replace(model(2, TAGGER), lexicon=Lexicon({("was",): "T1"}, 100.0))
    text = [("it", "was", "w1"), ("of", "cell")]
    sure, other = read(made, text)
    assert sure.tags[1] == "S-T1"
    assert sure.confidences[0] == pytest.approx(1.0)
    table = made.table()
    assert read(made, text, table) == [sure, other]
    assert len(table) == 5
    plain = made.learner
    tags = tag(plain, own(plain), made.table(), text, made.types, made.lexicon)
    assert [sure.tags, other.tags] == tags


def test_scores_far_apart_give_probabilities() -> None:
    made, params = outspoken(scale=1e4)
    text = [s.tokens for s in sentences(8, TYPES, 3)]
    for reading in read_with(made.learner, params, made.table(), text, TYPES):
        assert all(0 <= c <= 1 for c in (*reading.confidences, reading.uncertainty))


def test_nothing_to_read() -> None:
    made = model(1, TAGGER)
    assert read(made, []) == []
    assert read(made, [()]) == [Reading()]
