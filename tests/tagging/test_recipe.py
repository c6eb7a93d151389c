"""Which meta-learner a config names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fewshot_metalstm.config import resolve
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.maml import MAML
from fewshot_metalstm.tagging.recipe import MetaTrainConfig, make_algorithm, preset

CONFIG = MetaTrainConfig()


def test_algorithms_and_their_orders() -> None:
    assert make_algorithm(replace(CONFIG, algorithm="fomaml")) == FirstOrderMAML(CONFIG.inner)
    assert make_algorithm(replace(CONFIG, algorithm="fomaml", order=1)) == FirstOrderMAML()
    assert make_algorithm(replace(CONFIG, algorithm="maml")) == MAML(CONFIG.inner, 2)
    assert make_algorithm(replace(CONFIG, algorithm="maml", order=1)) == MAML(CONFIG.inner, 1)


@pytest.mark.parametrize(
    ("algorithm", "order", "fault"),
    [
        ("fomaml", 2, "use --algorithm maml"),
        ("maml", 3, "order 1 or 2"),
        ("protonet", 0, "'protonet' is unknown; use fomaml or maml"),
    ],
)
def test_what_cannot_be(algorithm: str, order: int, fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        make_algorithm(replace(CONFIG, algorithm=algorithm, order=order))


def test_presets_are_settings_that_exist() -> None:
    small = resolve(MetaTrainConfig, None, [], {}, base=preset("demo"))
    assert small.tagger.lstm.hidden < CONFIG.tagger.lstm.hidden
    assert preset(None) == preset("demo")
    assert preset("bionlp") == ()
