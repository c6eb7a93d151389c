"""Classifiers whose tasks share an LSTM by function or by layers."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fewshot_metalstm.encoders.training import EncodedVectorsConfig
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.classification.learner import Classifier
from fewshot_metalstm.kinds.classification.settings import ClassifierConfig, check_sizes
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig

CONFIG = ClassifierConfig(lstm=MetaLSTMConfig(hidden=6, meta=4, z=4), filters=4)


@pytest.mark.parametrize("sharing", ["function", "stacked", "parallel"])
def test_the_lstm_of_a_task_is_private_and_merged_by_the_mean(sharing: str) -> None:
    config = replace(CONFIG, sharing=sharing)
    made = Classifier(8, 10, config, torch.Generator().manual_seed(0))
    own = made.private()
    assert {"lstm.basic_wh", "head_weight", "head_bias"} <= set(own)
    assert not any(name.startswith(("lstm.meta_", "characters.", "pooling.")) for name in own)
    named = dict(made.named_parameters())
    sets = [{n: named[n].detach() * factor for n in own} for factor in (1.0, 3.0)]
    merged = made.merge_private(sets)
    assert set(merged) == set(own)
    torch.testing.assert_close(merged["lstm.basic_wh"], 2 * named["lstm.basic_wh"].detach())
    assert Classifier(8, 10, CONFIG, torch.Generator()).private() == made.head()


def test_sentinels_are_refused() -> None:
    with pytest.raises(UserError, match="--sharing sentinel labels the tokens at both ends"):
        check_sizes(replace(CONFIG, sharing="sentinel"), EncodedVectorsConfig(), "")
