"""Supervised training of readers of digits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.kind import DIGITS
from fewshot_metalstm.kinds.digits.model import READER, load_prepared
from fewshot_metalstm.kinds.digits.settings import ReaderConfig
from fewshot_metalstm.kinds.digits.supervised import DigitsSupervisedConfig, DigitsTraining
from fewshot_metalstm.kinds.digits.tasks import load_target
from fewshot_metalstm.kinds.stored import CHECKPOINT
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.nn.cells import CELLS
from fewshot_metalstm.train.result import TrainResult
from fewshot_metalstm.train.session import train
from tests.kinds.digits.builders import SMALL, made_up

CPU = torch.device("cpu")
MNIST = made_up()
CONFIG = DigitsSupervisedConfig(reader=SMALL)
CONFIG = replace(CONFIG, train=replace(CONFIG.train, epochs=6, batch=8, lr=0.02, average=0.9))


def run(output: Path, *names: str, config: DigitsSupervisedConfig = CONFIG) -> TrainResult:
    source = DigitsTraining(config, [load_target(name, MNIST) for name in names])
    return train(source, output, kind="digits", items="images", device=CPU)


def test_the_reader_scores_as_the_run_said(tmp_path: Path) -> None:
    result = run(tmp_path, "digits-69")
    (task,) = result.tasks
    assert task.items + task.scores["devel"].items == 72  # a tenth is held out
    assert result.chosen_by == "held-out train items"
    reader = load_prepared(tmp_path / "reader", READER)
    score = DIGITS.score(DIGITS.loaded(reader), load_target("digits-69", MNIST), "test")
    assert score.value == pytest.approx(task.scores["test"].value)
    assert score.value > 80
    assert reader.about["test_accuracy"] == round(score.value, 2)
    assert reader.about["method"] == "train"


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_is_the_same_when_it_is_read(cell: str, tmp_path: Path) -> None:
    drops = 0.1 if "recurrent_dropout" in CELLS[cell].options else 0.0
    norm = CELLS[cell].norms[-1] if CELLS[cell].norms else "none"
    lstm = replace(SMALL.lstm, kind=cell, recurrent_dropout=drops, norm=norm)
    few = replace(CONFIG.train, epochs=1, items=32)
    config = replace(CONFIG, train=few, reader=replace(SMALL, lstm=lstm))
    result = run(tmp_path, "digits-69", config=config)
    assert (result.tasks[0].items, result.steps, result.skipped) == (32, 4, 0)
    score = result.tasks[0].scores["test"].value
    reader = load_prepared(result.tasks[0].model, READER)
    assert reader.learner.config.lstm == lstm
    again = DIGITS.score(DIGITS.loaded(reader), load_target("digits-69", MNIST), "test")
    assert again.value == pytest.approx(score)


def test_loss_is_that_of_the_learner() -> None:
    source = DigitsTraining(CONFIG, [load_target("digits-169", MNIST)])
    model = source.fresh(Progress())
    source.use(model, CPU, {"digits-169": range(9)})
    params = dict(model.learner.named_parameters()) | dict(source.heads(model)["digits-169"])
    params = {name: value.detach() for name, value in params.items()}
    got = source.evaluate("digits-169", "test", range(30), params)
    batch = source.batch("digits-169", "test", range(30))
    assert got.loss == pytest.approx(float(model.learner.loss(params, batch)), rel=1e-5)
    assert got.score.value == pytest.approx(model.learner.figure(params, batch))


def test_several_tasks_give_a_checkpoint_that_others_start_from(tmp_path: Path) -> None:
    few = replace(CONFIG, train=replace(CONFIG.train, epochs=1))
    result = run(tmp_path, "digits-01", "digits-234-90", config=few)
    assert result.checkpoint is not None
    joint = load_prepared(result.checkpoint, CHECKPOINT)
    assert joint.about["algorithm"] == "joint"
    assert len(joint.about["learned_classes"]) == 5
    assert DIGITS.seen(joint.about, load_target("digits-01", MNIST))
    assert not DIGITS.seen(joint.about, load_target("digits-69", MNIST))
    started = replace(few, start=str(result.checkpoint), reader=ReaderConfig())
    again = run(tmp_path / "again", "digits-69", config=started)
    assert load_prepared(again.tasks[0].model, READER).learner.config == SMALL
    other = replace(SMALL, pool="last")
    with pytest.raises(UserError, match="has other settings of the section reader"):
        run(tmp_path / "other", "digits-69", config=replace(started, reader=other))
