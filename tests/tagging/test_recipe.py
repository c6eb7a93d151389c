"""Which meta-learner a config names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fewshot_metalstm.config import resolve
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.func import FuncMAML
from fewshot_metalstm.meta.l2l import Learn2LearnMAML
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


def test_engines_and_what_they_take() -> None:
    maml = replace(CONFIG, algorithm="maml", truncate=2)
    assert make_algorithm(maml) == MAML(CONFIG.inner, 2, 2)
    assert make_algorithm(replace(maml, engine="learn2learn")) == Learn2LearnMAML(
        CONFIG.inner, 2, 2
    )
    func = replace(maml, engine="func", tasks_at_once=3)
    assert make_algorithm(func) == FuncMAML(CONFIG.inner, 2, 2, tasks=3)
    assert make_algorithm(func).tasks == 3
    assert make_algorithm(replace(CONFIG, engine="func")) == FirstOrderMAML()


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"engine": "jax"}, "engine 'jax' is unknown; use higher, learn2learn, func"),
        ({"truncate": 6}, "truncate is 6; use 0 to 5"),
        ({"truncate": -1}, "truncate is -1; use 0 to 5"),
        ({"truncate": 2, "order": 1}, "--truncate is for second order"),
        ({"truncate": 2, "algorithm": "fomaml"}, "--truncate is for second order"),
        ({"tasks_at_once": 0}, "use at least 1"),
    ],
)
def test_engine_settings_that_cannot_be(settings: dict[str, object], fault: str) -> None:
    config = resolve(MetaTrainConfig, None, [], {"algorithm": "maml", **settings})
    with pytest.raises(UserError, match=fault):
        make_algorithm(config)


def test_presets_are_settings_that_exist() -> None:
    small = resolve(MetaTrainConfig, None, [], {}, base=preset("demo"))
    assert small.tagger.lstm.hidden < CONFIG.tagger.lstm.hidden
    assert preset(None) == preset("demo")
    assert preset("bionlp") == ()
