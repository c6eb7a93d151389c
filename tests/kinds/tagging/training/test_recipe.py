"""Which meta-learner a config names."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

from fewshot_metalstm.cli.meta_train import meta_train
from fewshot_metalstm.config import resolve
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.training.recipe import (
    MetaTrainConfig,
    check,
    make_algorithm,
    preset,
    settled,
)
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.func import FuncMAML
from fewshot_metalstm.meta.l2l import Learn2LearnMAML
from fewshot_metalstm.meta.make import recorded, recorded_algorithm
from fewshot_metalstm.meta.maml import MAML
from fewshot_metalstm.meta.mamlpp import MAMLPlusPlus, StagesConfig
from fewshot_metalstm.meta.metasgd import MetaSGD
from fewshot_metalstm.meta.protonet import ProtoNet
from fewshot_metalstm.meta.registry import BUILT_IN, jointly
from fewshot_metalstm.meta.reptile import Reptile

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
        ("maml", 3, "order is 3; use 0 to 2"),
        ("proto", 0, "'proto' is unknown; use fomaml or maml"),
    ],
)
def test_what_cannot_be(algorithm: str, order: int, fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        make_algorithm(replace(CONFIG, algorithm=algorithm, order=order))


@pytest.mark.parametrize("part", [{"attention": 2}, {"crf": False}])
def test_attention_and_a_tagger_without_crf_are_for_joint_training(part: dict[str, Any]) -> None:
    config = replace(CONFIG, tagger=replace(CONFIG.tagger, **part))
    with pytest.raises(UserError, match="are for joint training, and not for fomaml"):
        check(replace(config, algorithm="fomaml"))
    check(replace(config, algorithm="joint"))


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


def test_further_meta_learners() -> None:
    def made(algorithm: str, **settings: object) -> object:
        return make_algorithm(
            resolve(MetaTrainConfig, None, [], {"algorithm": algorithm, **settings})
        )

    assert made("anil") == MAML(CONFIG.inner, 2, head_only=True)
    assert made("anil", order=1) == MAML(CONFIG.inner, 1, head_only=True)
    assert made("anil", engine="func") == FuncMAML(CONFIG.inner, 2, head_only=True)
    assert made("reptile", order=1) == Reptile(CONFIG.inner)
    assert made("meta-sgd") == MetaSGD(CONFIG.inner, 2)
    assert made("meta-sgd", order=1) == MetaSGD(CONFIG.inner, 1)
    assert made("meta-sgd", truncate=2) == MetaSGD(CONFIG.inner, 2, 2)
    stages = {"stages.anneal": 0.25, "stages.first_order": 0.0}
    assert made("maml++", **stages) == MAMLPlusPlus(CONFIG.inner, 0, stages=StagesConfig(0.25, 0.0))
    assert made("maml++", order=1) == MAMLPlusPlus(CONFIG.inner, 1)
    for inner_steps in (3, 5):
        proto = made("protonet", **{"inner.steps": inner_steps})
        assert proto == ProtoNet(replace(CONFIG.inner, steps=0, lr=0.0)), "no inner loop"
    for algorithm in filter(jointly, BUILT_IN):
        assert made(algorithm) == FirstOrderMAML(CONFIG.inner)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"algorithm": "reptile", "order": 2}, "reptile has no second order"),
        ({"algorithm": "reptile", "truncate": 1}, "--truncate is for second order"),
        ({"algorithm": "reptile", "engine": "func"}, "reptile has an inner loop of its own"),
        ({"algorithm": "meta-sgd", "engine": "func"}, "meta-sgd has .* leave out --engine"),
        ({"algorithm": "maml++", "engine": "learn2learn"}, "leave out --engine"),
        ({"algorithm": "maml++", "inner.steps": 0}, "inner.steps is 0; maml.. needs at least 1"),
        ({"algorithm": "meta-sgd", "inner.lr": 0.0}, "inner.lr is 0; meta-sgd needs a rate"),
        ({"algorithm": "anil", "truncate": 9}, "truncate is 9; use 0 to 5"),
        ({"algorithm": "protonet", "order": 2}, "protonet has no inner loop: leave out --order"),
        ({"algorithm": "protonet", "engine": "func"}, "protonet has no inner loop"),
        ({"algorithm": "protonet", "truncate": 1}, "--truncate is for second order"),
        ({"algorithm": "structshot", "order": 2}, "structshot has no outer gradient"),
        ({"outer.steps": 0}, "outer.steps is 0, and fomaml needs at least 1"),
        ({"algorithm": "nnshot", "joint.steps": 0}, "and --algorithm nnshot does nothing else"),
        ({"stages.anneal": 3.0}, "stages.anneal is 3"),
        ({"outer.optimiser": "lion"}, "outer.optimiser 'lion' is unknown; use adam or sgd"),
    ],
)
def test_combinations_that_cannot_be(settings: dict[str, object], fault: str) -> None:
    with pytest.raises(UserError, match=fault) as caught:
        make_algorithm(resolve(MetaTrainConfig, None, [], settings))
    assert "\n" not in str(caught.value)


def test_a_checkpoint_says_how_to_make_its_meta_learner_again() -> None:
    config = resolve(MetaTrainConfig, None, [], {"algorithm": "maml++", "inner.steps": 3})
    about = json.loads(json.dumps({"recipe": recorded(config)}))
    assert recorded_algorithm(about) == make_algorithm(config)
    with pytest.raises(ValueError, match="does not say which meta-learner"):
        recorded_algorithm({"algorithm": "maml++"})


def test_the_command_line_offers_every_algorithm() -> None:
    (option,) = [p for p in meta_train.params if p.name == "algorithm"]
    assert isinstance(option.type, click.Choice)
    assert tuple(option.type.choices) == tuple(BUILT_IN)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"engine": "jax"}, "engine 'jax' is unknown; use higher, learn2learn or func"),
        ({"truncate": 6}, "truncate is 6; use 0 to 5"),
        ({"truncate": -1}, "truncate is -1; use at least 0"),
        ({"truncate": 2, "order": 1}, "--truncate is for second order"),
        ({"truncate": 2, "algorithm": "fomaml"}, "--truncate is for second order"),
        ({"tasks_at_once": 0}, "use at least 1"),
    ],
)
def test_engine_settings_that_cannot_be(settings: dict[str, object], fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        make_algorithm(resolve(MetaTrainConfig, None, [], {"algorithm": "maml", **settings}))


def test_presets_are_settings_that_exist() -> None:
    small = resolve(MetaTrainConfig, None, [], {}, base=preset("demo"))
    assert small.tagger.lstm.hidden < CONFIG.tagger.lstm.hidden
    assert preset(None) == preset("demo")
    assert preset("runs/a-suite-of-mine.yaml") == ()
    assert preset("bionlp") == preset("mtl-bio")
    for algorithm in BUILT_IN:
        given = {"tasks": "bionlp", "algorithm": algorithm}
        make_algorithm(resolve(MetaTrainConfig, None, [], given, base=preset("bionlp", algorithm)))
    reptile = resolve(MetaTrainConfig, None, [], {}, base=preset("bionlp", "reptile"))
    assert reptile.inner.lr == 1e-3, "that of Adam"


def test_what_a_run_goes_by() -> None:
    asked = replace(CONFIG, memory=True)
    assert settled(asked) == asked
    joint = settled(replace(asked, algorithm="joint"))
    assert (joint.memory, joint.outer) == (False, replace(CONFIG.outer, steps=0))
    proto = settled(replace(asked, algorithm="protonet"))
    assert (proto.memory, proto.outer) == (False, CONFIG.outer)


def test_a_file_with_the_older_names_of_cells_loads(tmp_path: Path) -> None:
    file = tmp_path / "old.yaml"
    for older, name in (("generated", "meta-lstm"), ("plain", "lstm")):
        file.write_text(f"memory: false\ntagger:\n  lstm:\n    kind: {older}\n")
        assert resolve(MetaTrainConfig, file, [], {}).tagger.lstm.kind == name
