"""What a head finds on fixed states, of the sentences that it was not tuned on."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fewshot_metalstm.kinds.tagging.adapt import probe
from fewshot_metalstm.kinds.tagging.adapt.probe import probed
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from tests.kinds.tagging.tagger.builders import TARGET, model

SUPPORT = TARGET.split("train")[:15]


def test_it_is_a_function_of_start_and_support(monkeypatch: pytest.MonkeyPatch) -> None:
    made = model()
    before = [p.detach().clone() for p in made.learner.parameters()]
    monkeypatch.setattr(probe, "RATE", 0.1)  # fresh weights have more to learn in as few steps
    found = probed(made.learner, made.table(), SUPPORT, TARGET.types)
    assert 0 < found < 1
    assert found == probed(made.learner, made.table(), SUPPORT, TARGET.types)
    after = made.learner.parameters()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_head_cannot_find_what_it_was_never_told() -> None:
    made = model()
    bare = [replace(s, tags=("O",) * len(s)) for s in SUPPORT]
    assert probed(made.learner, made.table(), bare, TARGET.types) == 0.0


def test_too_few_to_leave_any_out() -> None:
    made = model()
    two = [Sentence(("gene1-0",), ("S-Gene",)), Sentence(("the",), ("O",))]
    assert probed(made.learner, made.table(), two, TARGET.types) == 0.0
