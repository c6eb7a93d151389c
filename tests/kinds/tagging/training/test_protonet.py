"""Meta-training of taggers that adapt without a gradient step: what is trained and kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fewshot_metalstm.kinds.tagging.tagger.abstract import count_transitions
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, load_model
from fewshot_metalstm.meta.make import recorded_algorithm
from fewshot_metalstm.meta.outcome import Interrupted
from fewshot_metalstm.meta.protonet import START_SCALE, ProtoNet, learned_scale
from tests.kinds.tagging.tagger.builders import CONFIG, own, same
from tests.kinds.tagging.training.test_metatrain import (
    SUITE,
    StopAfter,
    assert_same_run,
    final_weights,
    history,
    train,
)

PROTONET = replace(CONFIG, algorithm="protonet")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with joint training and an outer loop that nothing interrupts."""
    output = tmp_path_factory.mktemp("protonet")
    train(output, PROTONET)
    return output


def test_every_tensor_but_those_that_are_replaced_is_learned(tmp_path: Path) -> None:
    train(tmp_path, replace(PROTONET, joint=replace(CONFIG.joint, steps=0)))
    initial, final = own(load_model(tmp_path / "state" / "initial").learner), {}
    for name, value in final_weights(tmp_path).items():
        if name.startswith("learner."):
            final[name.removeprefix("learner.")] = value
    assert set(final) - set(initial) == {"inner.log_scale"}
    changed = {name for name, value in initial.items() if not value.equal(final[name])}
    assert changed == set(initial) - {"head_outside", "head_type"}


def test_what_is_kept_and_logged(whole: Path) -> None:
    scales = [entry["scale"] for entry in history(whole) if entry["phase"] == "outer"]
    assert len(scales) == 4
    assert len(set(scales)) == 4
    assert {entry["inner_lr"] for entry in history(whole) if entry["phase"] == "outer"} == {0.0}
    model = load_model(whole / "checkpoint", CHECKPOINT)
    assert model.about["algorithm"] == "protonet"
    assert model.heads == ()
    scale = learned_scale(model.learner)
    assert scale is not None
    if model.about["outer_step"] == 4:
        assert scale == pytest.approx(scales[-1])
    else:
        assert scale == pytest.approx([START_SCALE, *scales][int(model.about["outer_step"])])
    assert isinstance(recorded_algorithm(model.about), ProtoNet)


@pytest.mark.parametrize(("phase", "step"), [("joint training", 3), ("outer loop", 1)])
def test_an_interrupted_run_ends_as_a_whole_one(
    tmp_path: Path, whole: Path, phase: str, step: int
) -> None:
    with pytest.raises(Interrupted):
        train(tmp_path, PROTONET, progress=StopAfter(phase, step))
    train(tmp_path, PROTONET, resume=True)
    assert_same_run(tmp_path, whole)


def test_two_workers_equal_one(tmp_path: Path, whole: Path) -> None:
    train(tmp_path, PROTONET, workers=2)
    assert_same_run(tmp_path, whole)


def test_for_neighbours_is_trained_as_joint(tmp_path: Path) -> None:
    kept = {}
    for algorithm in ("joint", "nnshot", "structshot"):
        train(tmp_path / algorithm, replace(CONFIG, algorithm=algorithm))
        kept[algorithm] = load_model(tmp_path / algorithm / "checkpoint", CHECKPOINT)
        assert kept[algorithm].about["transitions"] == count_transitions(SUITE.train)
        assert history(tmp_path / algorithm) == history(tmp_path / "joint")
    for algorithm in ("nnshot", "structshot"):
        assert same(own(kept[algorithm].learner), own(kept["joint"].learner))
        assert kept[algorithm].about["algorithm"] == algorithm
        assert kept[algorithm].heads == ()
    assert kept["joint"].heads != ()
    train(tmp_path / "fomaml", CONFIG)
    assert "transitions" not in load_model(tmp_path / "fomaml" / "checkpoint").about
