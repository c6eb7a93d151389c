"""Every meta-learner on taggers: what it trains, keeps, logs, and what adaptation makes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingCell as Cell
from fewshot_metalstm.kinds.tagging.adapt.cell import run_cell
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, TAGGER, load_model
from fewshot_metalstm.kinds.tagging.training.metatrain import meta_train
from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig
from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.anil import anil
from fewshot_metalstm.meta.func import FuncMAML
from fewshot_metalstm.meta.maml import MAML
from fewshot_metalstm.meta.outcome import Interrupted
from fewshot_metalstm.tracked_run import NullRun
from tests.kinds.tagging.tagger.builders import CONFIG, TARGET, own
from tests.kinds.tagging.tagger.test_stacked import episodes, tagger
from tests.kinds.tagging.training.test_metatrain import (
    SUITE,
    StopAfter,
    assert_same_run,
    final_weights,
    history,
    train,
)
from tests.meta.toys import flatten, noise

SHORT = replace(CONFIG, joint=replace(CONFIG.joint, steps=0), outer=replace(CONFIG.outer, steps=2))
QUICK = AdaptConfig(epochs=1, min_steps=4, averages=1)


def config(algorithm: str, order: int = 0) -> MetaTrainConfig:
    rate = 1e-3 if algorithm == "reptile" else 0.1
    return replace(SHORT, algorithm=algorithm, order=order, inner=InnerConfig(steps=2, lr=rate))


class Logged(NullRun):
    """Keeps what is logged of each step."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: dict[int, dict[str, float]] = {}

    def log(self, step: int, metrics: Any) -> None:
        self.steps.setdefault(step, {}).update(metrics)


LEARNERS = [
    ("anil", 1), ("anil", 2), ("reptile", 0), ("meta-sgd", 1), ("meta-sgd", 2), ("maml++", 0),
]  # fmt: skip
LOGGED = {
    "meta-sgd": {"inner_lr", "inner_lr/head", "inner_lr/body"},
    "maml++": {"inner_lr"} | {f"inner_lr/{g}/{k}" for g in ("head", "body") for k in (1, 2)},
}


@pytest.mark.parametrize(("algorithm", "order"), LEARNERS)
def test_it_trains_every_tensor_and_its_checkpoint_adapts(
    tmp_path: Path, algorithm: str, order: int
) -> None:
    run = Logged()
    meta_train(
        config(algorithm, order), SUITE, tmp_path, device=torch.device("cpu"), workers=1, run=run
    )
    initial = own(load_model(tmp_path / "state" / "initial").learner)
    final = final_weights(tmp_path)
    for name, value in initial.items():
        assert not torch.equal(value, final[f"learner.{name}"]), name
    rated = {n for n in final if n.startswith("learner.inner.")}
    assert bool(rated) == (algorithm in LOGGED)
    logged = {name for name in run.steps[2] if name.startswith("inner_lr")}
    assert logged == LOGGED.get(algorithm, {"inner_lr"})
    assert {n for n in history(tmp_path)[-2] if n.startswith("inner_lr")} == logged

    model = load_model(tmp_path / "checkpoint", CHECKPOINT)
    assert model.about["algorithm"] == algorithm
    kept = own(model.learner)
    assert {f"learner.{n}" for n in kept} == {n for n in final if n.startswith("learner.")}
    if model.about["outer_step"] == 2:
        assert all(torch.equal(value, final[f"learner.{n}"]) for n, value in kept.items())
    for tune in ("basic", "all"):
        place = Cell(algorithm, 0, 0, tuple(range(6)), tune, QUICK, tmp_path / "tagger", False)
        run_cell(place, model, TARGET, model.table())
        made = load_model(tmp_path / "tagger", TAGGER)
        assert not any(name.startswith("inner.") for name in own(made.learner))


def test_rates_change_and_are_kept_in_the_checkpoint(tmp_path: Path) -> None:
    # Without a figure the last learner is kept.
    given = config("maml++")
    train(tmp_path, replace(given, outer=replace(given.outer, validate_every=0)))
    learner = load_model(tmp_path / "checkpoint").learner
    rates = {n: p.exp() for n, p in learner.named_parameters() if n.startswith("inner.")}
    assert set(rates) == {f"inner.{n.replace('.', '/')}" for n in learner.adapted()}
    for name, rate in rates.items():
        assert rate.shape == (2,), name
        assert not torch.allclose(rate, torch.tensor(0.1), rtol=1e-6), name
        torch.testing.assert_close(rate.log(), final_weights(tmp_path)[f"learner.{name}"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MAML++ through both of its stages, after joint training."""
    output = tmp_path_factory.mktemp("whole")
    train(output, replace(CONFIG, algorithm="maml++"))
    return output


@pytest.mark.parametrize("step", [1, 3])
def test_rates_and_stages_survive_a_break(tmp_path: Path, whole: Path, step: int) -> None:
    given = replace(CONFIG, algorithm="maml++")
    with pytest.raises(Interrupted):
        train(tmp_path, given, progress=StopAfter("outer loop", step))
    train(tmp_path, given, resume=True)
    assert_same_run(tmp_path, whole)


def test_two_workers_share_rates_and_stages(tmp_path: Path, whole: Path) -> None:
    train(tmp_path, replace(CONFIG, algorithm="maml++"), workers=2)
    assert_same_run(tmp_path, whole)


@pytest.mark.parametrize("noisy", [False, True])
def test_engines_agree_on_anil(noisy: bool) -> None:
    learner, given = tagger(), episodes()
    inner = InnerConfig(steps=2, lr=0.1, clip=0.5, noise=noisy)
    plain = anil(MAML(inner)).outcomes(learner, given, [noise(i) for i in range(3)])
    ours = anil(FuncMAML(inner)).outcomes(learner, given, [noise(i) for i in range(3)])
    for one, other in zip(plain, ours, strict=True):
        assert one.inner_norm > 0.5, "the clipped case must clip"
        torch.testing.assert_close(
            flatten(one.gradient), flatten(other.gradient), rtol=1e-9, atol=1e-10
        )
        start = own(learner)
        changed = {
            n for n, p in one.adapted.items()
            if p.shape != start[n].shape or not torch.equal(p, start[n])
        }  # fmt: skip
        assert changed == set(learner.head())
