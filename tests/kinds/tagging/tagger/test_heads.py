"""Heads of source tasks: kept by type, chosen by the loss of one type alone."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger.heads import (
    SourceHead,
    choose_heads,
    head_tensors,
    read_heads,
    source_heads,
    start_from,
    support_losses,
)
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.meta.joint import heads_in, state_of
from tests.kinds.tagging.tagger.builders import TARGET, encoded, model, own, same

SUPPORT = list(TARGET.split("train")[:9])


def fresh(types: int, seed: int) -> dict[str, torch.Tensor]:
    """A random head for ``types`` types."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {n: p.shape for n, p in model(types).learner.named_parameters() if "head_" in n}
    return {n: torch.randn(shape, generator=generator) for n, shape in shapes.items()}


HEADS = source_heads({"b": fresh(1, 1), "a": fresh(2, 2)}, {"a": ("P", "Q"), "b": ("P",)})


def alone(sentences: Sequence[Sentence], kind: str) -> list[Sentence]:
    """The sentences with the mentions of one type."""
    return [
        Sentence(s.tokens, tuple(t if t[2:] == kind else "O" for t in s.tags)) for s in sentences
    ]


def with_head(learner: Tagger, head: SourceHead) -> Tagger:
    changed = copy.deepcopy(learner)
    for name, value in head.params.items():
        getattr(changed, name).data.copy_(value)
    return changed


def test_tasks_are_taken_apart_by_type() -> None:
    assert [head.name for head in HEADS] == ["a/P", "a/Q", "b/P"]
    whole = fresh(2, 2)
    assert torch.equal(HEADS[1].params["head_type"], whole["head_type"][1:])
    assert torch.equal(HEADS[1].params["head_type_bias"], whole["head_type_bias"][1:])
    assert torch.equal(HEADS[1].params["head_outside"], whole["head_outside"])
    assert torch.equal(HEADS[1].params["head_transitions"], whole["head_transitions"])


def test_stored_in_half_precision_and_read_back() -> None:
    tensors = head_tensors(HEADS)
    assert {t.dtype for t in tensors.values()} == {torch.float16}
    names = [(head.task, head.type) for head in HEADS]
    read = read_heads(names, tensors, model().learner)
    for before, after in zip(HEADS, read, strict=True):
        assert before.name == after.name
        for name, value in before.params.items():
            assert torch.equal(after.params[name], value.half().float())
    for wrong in (names[:2], [*names, ("c", "P")]):
        with pytest.raises(ValueError, match="do not fit"):
            read_heads(wrong, tensors, model().learner)


def test_the_state_gives_back_heads_of_tasks_with_dots() -> None:
    heads = {"a.b": fresh(2, 2), "c": fresh(1, 1)}
    read = heads_in(state_of(heads) | {"learner.head_outside": torch.zeros(1)})
    assert read.keys() == heads.keys()
    assert all(same(read[task], heads[task]) for task in heads)


def test_losses_are_those_of_the_learner_with_that_head_on_that_type_alone() -> None:
    made = model()
    table = made.table()
    batches = [encoded(table, SUPPORT[i : i + 4], TARGET.types) for i in (0, 4, 8)]
    losses = support_losses(made.learner, HEADS, batches)
    assert losses.shape == (2, 3)
    for k, kind in enumerate(TARGET.types):
        batch = encoded(table, alone(SUPPORT, kind), (kind,))
        for h, head in enumerate(HEADS):
            # A sentence's mean; the parameters of a tagger of one type with this head.
            wanted = float(with_head(made.learner, head)(batch).detach())
            assert float(losses[k, h]) / len(SUPPORT) == pytest.approx(wanted, rel=1e-5)


def test_each_type_takes_the_head_that_fits_it() -> None:
    """A head made for one type is chosen for it, and not for the other."""
    made = model()
    table = made.table()
    fitted = []
    for kind in TARGET.types:
        learner = copy.deepcopy(made.learner)
        head = [p for n, p in learner.named_parameters() if n in learner.head()]
        optimiser = torch.optim.Adam(head, lr=0.1)
        batch = encoded(table, alone(SUPPORT, kind), (kind,))
        for _ in range(60):
            optimiser.zero_grad()
            learner(batch).backward()
            optimiser.step()
        params = {n: p.detach() for n, p in own(learner).items() if n in learner.head()}
        fitted.append(SourceHead(f"like {kind}", kind, params))
    heads = (*HEADS, *reversed(fitted))
    before = own(made.learner)
    chosen = choose_heads(made.learner, heads, table, SUPPORT, TARGET.types)
    assert [head.name for head in chosen] == [f"like {kind}/{kind}" for kind in TARGET.types]
    assert same(own(made.learner), before)
    assert choose_heads(made.learner, heads, table, SUPPORT, TARGET.types) == chosen
    (one,) = choose_heads(made.learner, heads, table, alone(SUPPORT, "Gene"), ("Gene",))
    assert one.name == "like Gene/Gene"


def test_of_equal_heads_the_first_is_taken() -> None:
    made = model()
    twin = replace(HEADS[0], task="twin")
    (chosen,) = choose_heads(
        made.learner, (HEADS[0], twin), made.table(), alone(SUPPORT, "Gene"), ("Gene",)
    )
    assert chosen.task == "a"


def test_the_start_has_the_chosen_heads() -> None:
    made = model()
    before = own(made.learner)
    one = start_from(made.learner, [HEADS[1]])
    assert same(own(one), before | HEADS[1].params)
    two = start_from(made.learner, [HEADS[1], HEADS[2]])
    assert torch.equal(two.head_type[0], HEADS[1].params["head_type"][0])
    assert torch.equal(two.head_type[1], HEADS[2].params["head_type"][0])
    mean = (HEADS[1].params["head_transitions"] + HEADS[2].params["head_transitions"]) / 2
    assert torch.allclose(two.head_transitions, mean)
    assert [n for n, _ in two.named_parameters()] == [n for n, _ in made.learner.named_parameters()]
    assert same(own(made.learner), before)
    batch = encoded(made.table(), SUPPORT, TARGET.types)
    assert two.initial(batch)["head_type"].shape == (2, 4, 16)
