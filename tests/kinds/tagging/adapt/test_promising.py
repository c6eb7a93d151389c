"""What promises mentions before anything is annotated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fewshot_metalstm.kinds.tagging.adapt.promising import promise, source_heads_of
from fewshot_metalstm.kinds.tagging.tagger.heads import SourceHead, start_from
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER
from fewshot_metalstm.kinds.tagging.tagger.possible import possible
from tests.kinds.tagging.tagger.builders import model


def heads(number: int) -> tuple[SourceHead, ...]:
    """Heads with large random weights."""
    learner = model(1, TAGGER).learner
    generator = torch.Generator().manual_seed(0)
    return tuple(
        SourceHead("task", f"T{i}", {
            name: torch.randn(getattr(learner, name).shape, generator=generator)
            for name in learner.head()
        }) for i in range(number)
    )  # fmt: skip


def test_it_is_what_a_tagger_of_each_head_says() -> None:
    made = replace(model(), heads=heads(2))
    assert source_heads_of(made) == made.heads
    text = [("the", "cell", "saw", "w9"), ("w1",), ("gene2", "was")]
    expected = np.zeros(3)
    for head in made.heads:
        tagger = replace(made, learner=start_from(made.learner, [head]), types=("T",))
        # Of a sentence of one word, no mention is what is left beside the one span that it has.
        ((_, chance),) = possible(tagger, text, least=0.0)[1]
        expected[1] -= np.log1p(-chance) / 2
    found = promise(made, text)
    assert found[1] == pytest.approx(expected[1], rel=1e-4)
    assert (found > 0).all()
    alone = [float(promise(made, [each])[0]) for each in text]
    np.testing.assert_allclose(found, alone, rtol=1e-5)


def test_a_checkpoint_without_heads_has_none() -> None:
    assert source_heads_of(model()) == ()
