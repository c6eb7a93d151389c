"""How sure a tagger has to be of a mention."""

from __future__ import annotations

import torch

from fewshot_metalstm.kinds.tagging.tagger.decode import tag
from fewshot_metalstm.kinds.tagging.tagger.threshold import favouring_mentions
from tests.kinds.tagging.tagger.builders import TARGET, encoded, model, own


def test_only_the_score_of_no_mention_falls() -> None:
    made = model()
    params = own(made.learner)
    less = favouring_mentions(params, 1.5)
    batch = encoded(made.table(), TARGET.split("train")[:4], TARGET.types)
    scores, fallen = (made.learner.emissions_with(each, batch) for each in (params, less))
    torch.testing.assert_close(fallen[..., 0], scores[..., 0] - 1.5)
    assert torch.equal(fallen[..., 1:], scores[..., 1:])
    assert params["head_outside_bias"].item() == 0, "what was given is left as it was"


def test_more_is_found() -> None:
    made = model()
    tokens = [s.tokens for s in TARGET.split("test")[:20]]

    def found(nats: float) -> int:
        params = favouring_mentions(own(made.learner), nats)
        tags = tag(made.learner, params, made.table(), tokens, TARGET.types)
        return sum(each != "O" for sentence in tags for each in sentence)

    assert found(-50.0) == 0
    assert found(-1.0) <= found(0.0) <= found(1.0) <= found(50.0)
    assert found(50.0) == sum(map(len, tokens))
