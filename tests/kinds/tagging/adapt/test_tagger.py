"""Tuning a learner on annotated sentences, and the tagger that it becomes."""

from __future__ import annotations

import pytest
import torch

from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.tagger import adapt_to
from fewshot_metalstm.kinds.tagging.adapt.tuning import TUNE, tuned_names
from fewshot_metalstm.kinds.tagging.tagger.lexicon import Lexicon
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, adapted_model
from tests.kinds.tagging.tagger.builders import TARGET, encoded, model, own, same

QUICK = AdaptConfig(epochs=3, min_steps=20, lr=0.02)
SUPPORT = tuple(range(12))


@pytest.mark.parametrize("tune", TUNE)
def test_tuning_freezes_what_it_should(tune: str) -> None:
    made = model()
    before = own(made.learner)
    support = [TARGET.split("train")[i] for i in SUPPORT]
    adapted = adapt_to(made.learner, made.table(), support, TARGET.types, tune, QUICK, 0)
    assert same(own(made.learner), before)
    start = made.learner.initial(encoded(made.table(), support, TARGET.types))
    changed = {n for n, p in adapted.params.items() if not torch.equal(p, start[n])}
    assert changed == set(tuned_names(made.learner, tune))
    if tune == "basic":
        frozen = set(before) - changed
        assert {n for n in before if n.startswith(("lstm.meta_", "characters."))} == frozen
    assert adapted.losses[-1] < adapted.losses[0]


def test_two_types_part_from_their_common_start() -> None:
    made = model()
    support = [TARGET.split("train")[i] for i in SUPPORT]
    adapted = adapt_to(made.learner, made.table(), support, TARGET.types, "basic", QUICK, 0)
    assert adapted.params["head_type"].shape == (2, 4, 16)
    assert not torch.equal(*adapted.params["head_type"].unbind())


def test_tune_and_support_must_be() -> None:
    with pytest.raises(UserError, match="tune 'lstm' is unknown; use basic, head, all"):
        tuned_names(model().learner, "lstm")
    with pytest.raises(UserError, match="support is empty"):
        adapt_to(model().learner, model().table(), [], TARGET.types, "basic", QUICK, 0)


def test_adapted_model_is_a_copy() -> None:
    made = model()
    params = own(model(types=2).learner)
    tagger = adapted_model(made, params, ("A", "B"), {}, Lexicon())
    params["head_outside"].zero_()
    assert tagger.learner.head_outside.any()
    assert tagger.kind == TAGGER
