"""What settings of supervised training are refused."""

from __future__ import annotations

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.train.optimisers import OPTIMISERS
from fewshot_metalstm.train.settings import SupervisedConfig, check, rate


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (SupervisedConfig(optimiser="adm"), "train.optimiser 'adm' is unknown; use sgd, adam"),
        (SupervisedConfig(decay="stairs"), "train.decay 'stairs' is unknown; use cosine, linear"),
        (SupervisedConfig(epochs=0), "train.epochs is 0; use at least 1"),
        (SupervisedConfig(batch=0), "train.batch is 0; use at least 1"),
        (SupervisedConfig(clip=-1.0), "train.clip is -1; use at least 0"),
        (SupervisedConfig(average=1.0), "train.average is 1; use 0 to below 1"),
    ],
)
def test_settings_that_mean_nothing(config: SupervisedConfig, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check(config)


def test_the_usual_rate_of_an_optimiser_or_the_one_that_is_set() -> None:
    for name, entry in OPTIMISERS.items():
        check(SupervisedConfig(optimiser=name))
        assert rate(SupervisedConfig(optimiser=name)) == entry.lr
        assert rate(SupervisedConfig(optimiser=name, lr=0.5)) == 0.5
