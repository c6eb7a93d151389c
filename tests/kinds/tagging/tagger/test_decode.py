"""Tagging sentences in the order in which they came."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme, validate
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger import decode
from fewshot_metalstm.kinds.tagging.tagger.decode import tag
from fewshot_metalstm.kinds.tagging.tagger.encoding import labels
from fewshot_metalstm.kinds.tagging.tagger.lexicon import Lexicon
from fewshot_metalstm.nn.characters import CharacterCNN
from tests.kinds.tagging.tagger.builders import model, own, sentences


def test_labels_are_in_the_order_of_the_heads_rows() -> None:
    assert labels(("Y", "X")) == (
        "O", "B-Y", "I-Y", "E-Y", "S-Y", "B-X", "I-X", "E-X", "S-X"
    )  # fmt: skip


@pytest.mark.parametrize("tokens", [1, 25, 4096])
def test_batches_do_not_show_in_the_result(monkeypatch: pytest.MonkeyPatch, tokens: int) -> None:
    monkeypatch.setattr(decode, "TOKENS", tokens)
    made = model(types=2)
    params = own(made.learner)
    # Weights that differ between the types and are large enough for many mentions.
    params["head_type"] = torch.randn(2, 4, 16, generator=torch.Generator().manual_seed(0)) * 2
    text = [s.tokens for s in sentences(20, ("X", "Y"), 1)]
    text.insert(3, ("long",) * 50)
    text.insert(0, ())
    tags = tag(made.learner, params, made.table(), text, ("X", "Y"))
    assert [len(t) for t in tags] == [len(s) for s in text]
    assert {label[2:] for t in tags for label in t} >= {"X", "Y"}
    for tokens_, given in zip(text, tags, strict=True):
        validate(given, Scheme.IOBES)
        assert tag(made.learner, params, made.table(), [tokens_], ("X", "Y")) == [given]


def test_every_distinct_word_is_encoded_once_and_to_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decode, "TOKENS", 25)
    monkeypatch.setattr(decode, "WORDS", 7)
    made = model(types=2)
    params = own(made.learner)
    params["characters.weight"] *= 3  # of prediction, not the learner's own
    text = [s.tokens for s in sentences(20, ("X", "Y"), 1)]
    table = made.table()
    table.learn(sentences(5, ("Z",), 2))  # words that this text does not use
    before = len(table)
    encoded = table.encode([Sentence(t, ("O",) * len(t)) for t in text], ("X", "Y"))
    seen: list[tuple[int, ...]] = []
    forward = CharacterCNN.forward

    def counted(self: CharacterCNN, characters: Tensor, *, plain: bool = False) -> Tensor:
        seen.extend(tuple(row) for row in characters.tolist())
        return forward(self, characters, plain=plain)

    monkeypatch.setattr(CharacterCNN, "forward", counted)
    letters = decode.encode_characters(made.learner, params, table, encoded)
    assert len(seen) == len({w for tokens in text for w in tokens})
    seen.clear()
    tag(made.learner, params, table, text, ("X", "Y"))
    assert len(seen) == len({w for tokens in text for w in tokens})
    assert before < len(table) == len(letters)

    made.learner.load_state_dict(params)
    batch, short = table.batch(encoded), table.batch(encoded, letters)
    assert torch.equal(made.learner.characters(batch.characters), short.characters)
    assert torch.equal(made.learner.emissions(batch), made.learner.emissions(short))


def test_a_lexicon_has_a_say_and_no_more() -> None:
    made = model(types=2)
    params = own(made.learner)
    text = [("one", "two", "three"), ("Two", "x"), ()]

    def tagged(bonus: float) -> list[tuple[str, ...]]:
        lexicon = Lexicon({("two",): "Y"}, bonus)
        return tag(made.learner, params, made.table(), text, ("X", "Y"), lexicon)

    plain = tag(made.learner, params, made.table(), text, ("X", "Y"))
    assert tagged(0.0) == plain
    assert plain[0][1] != "S-Y" != plain[1][0]
    sure = tagged(100.0)
    assert sure[0][1] == sure[1][0] == "S-Y"
    params["head_outside_bias"] = params["head_outside_bias"] + 50.0  # certain that all is O
    assert tagged(2.0) == [("O", "O", "O"), ("O", "O"), ()]


def test_nothing_to_tag() -> None:
    made = model()
    assert tag(made.learner, own(made.learner), made.table(), [], ("X",)) == []
    assert tag(made.learner, own(made.learner), made.table(), [()], ("X",)) == [()]
