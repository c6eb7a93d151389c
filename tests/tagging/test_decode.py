"""Tagging sentences in the order in which they came."""

from __future__ import annotations

import pytest
import torch

from fewshot_metalstm.corpora.schemes import Scheme, validate
from fewshot_metalstm.tagging import decode
from fewshot_metalstm.tagging.decode import tag
from fewshot_metalstm.tagging.encoding import labels
from tests.tagging.builders import model, own, sentences


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


def test_nothing_to_tag() -> None:
    made = model()
    assert tag(made.learner, own(made.learner), made.table(), [], ("X",)) == []
    assert tag(made.learner, own(made.learner), made.table(), [()], ("X",)) == [()]
