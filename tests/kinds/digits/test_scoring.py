"""What a reader takes a whole split for."""

from __future__ import annotations

import numpy as np
import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.encoding import encode
from fewshot_metalstm.kinds.digits.model import READER, ReaderModel, new_reader
from fewshot_metalstm.kinds.digits.scoring import predict, score, score_model
from fewshot_metalstm.kinds.digits.tasks import load_target
from tests.kinds.digits.builders import SMALL, made_up, scaling, target


def test_a_split_is_scored_in_pieces_as_a_whole() -> None:
    task, scale = load_target("digits-6789", made_up(test=1400)), scaling()
    learner = new_reader(SMALL, 0, 4)
    params = {name: value.detach() for name, value in learner.named_parameters()}
    whole = encode(task, "test", range(len(task.splits["test"])), scale)
    best = learner.scores_with(params, whole).argmax(1).numpy()
    found = predict(learner, params, task, "test", scale)
    np.testing.assert_array_equal(found, best)
    right = float((best == task.splits["test"].labels).mean())
    assert score(learner, params, task, "test", scale).value == pytest.approx(100 * right)


def test_a_reader_is_scored_on_its_own_classes() -> None:
    model = ReaderModel(new_reader(SMALL, 0, 4), scaling(), tuple("6789"), READER)
    assert score_model(model, target(), "test").size == 48
    with pytest.raises(UserError, match="evaluate it on digits-6789"):
        score_model(model, target("digits-0123"), "test")
