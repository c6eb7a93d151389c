"""The rate from a recalled source head: low with few mentions, whole with enough."""

from __future__ import annotations

import pytest

from fewshot_metalstm.adapt.finetune import AdaptConfig, near_rate


@pytest.mark.parametrize(("mentions", "rate"), [(0, 0.04), (25, 0.07), (50, 0.1), (500, 0.1)])
def test_it_grows_with_the_mentions(mentions: float, rate: float) -> None:
    assert near_rate(AdaptConfig(lr=0.1, near=0.4, enough=50), mentions) == pytest.approx(rate)


def test_whole_from_the_first_mention_on() -> None:
    assert near_rate(AdaptConfig(lr=0.1, near=0.4, enough=0), 1) == pytest.approx(0.1)
    assert near_rate(AdaptConfig(lr=0.1, near=1.0), 1) == pytest.approx(0.1)
