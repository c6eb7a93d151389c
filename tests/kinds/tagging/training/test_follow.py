"""What ranks compare before they start, and what rank 0 hands to the others."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
import torch

from fewshot_metalstm.kinds.tagging.episodes.load import LoadedSuite
from fewshot_metalstm.kinds.tagging.training.source import TaggingSource
from fewshot_metalstm.meta.follow import parameter_facts, start_of
from fewshot_metalstm.meta.metasgd import MetaSGD
from fewshot_metalstm.meta.outer import OuterConfig, OuterLoop
from tests.kinds.tagging.tagger.builders import CONFIG, model, own, same, suite


def test_facts_tell_suites_apart() -> None:
    def facts_of(given: LoadedSuite) -> dict[str, str]:
        return TaggingSource(CONFIG, given).facts()

    given = suite()
    facts = facts_of(given)
    assert facts == facts_of(suite())
    assert facts["the train tasks"] == "alpha, beta, gamma"
    first, *others = given.train
    train = first.corpus.splits["train"]
    fewer = replace(first, corpus=replace(first.corpus, splits={"train": train[1:]}))
    changed = facts_of(replace(given, train=(fewer, *others)))
    assert {name for name in facts if facts[name] != changed.get(name)} == {"alpha/train"}
    digested = replace(first, corpus=replace(first.corpus, digests={"train": "0" * 64}))
    changed = facts_of(replace(given, train=(digested, *others)))
    assert {name for name in facts if facts[name] != changed.get(name)} == {"alpha/train"}
    changed = facts_of(replace(given, train=tuple(others)))
    assert changed["the train tasks"] != facts["the train tasks"]


def test_parameters_are_told_apart_by_their_last_bit() -> None:
    one, two = model().learner, model().learner
    assert parameter_facts(one) == parameter_facts(two)
    with torch.no_grad():
        weight = next(two.parameters())
        weight.view(-1)[0] = torch.nextafter(weight.view(-1)[0], torch.tensor(9.0))
    assert parameter_facts(one) != parameter_facts(two)


@pytest.mark.parametrize("rated", [False, True])
def test_a_start_travels_and_is_a_copy(rated: bool) -> None:
    given = model()
    if rated:  # what a meta-learner gave the learner travels with it
        MetaSGD().prepare(given.learner)
    loop = OuterLoop(given.learner, OuterConfig())
    for parameter in given.learner.parameters():
        parameter.grad = torch.ones_like(parameter)
    loop.optimiser.step()
    loop.done = 7
    start = pickle.loads(pickle.dumps(start_of(given, loop)))
    assert start.done == 7
    assert same(own(start.model.learner), own(given.learner))
    assert len(start.optimiser) == 3 * len(list(given.learner.parameters()))
    assert start.model.vectors.words == given.vectors.words
    assert start_of(given, loop).model.learner is not given.learner
