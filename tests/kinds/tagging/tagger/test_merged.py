"""Several taggers as one: its scores are the mean of theirs, and it is saved like any."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.merged import merged, merged_config
from fewshot_metalstm.kinds.tagging.tagger.model import (
    TAGGER,
    adapted_model,
    load_model,
    new_tagger,
    save_model,
)
from fewshot_metalstm.kinds.tagging.tagger.network import TaggerConfig
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from tests.kinds.tagging.tagger.builders import TARGET, encoded, model, own


def taggers(config: TaggerConfig, count: int) -> list[Tagger]:
    made = model()
    learners = [
        new_tagger(config, made.vectors, made.alphabet, seed, 2) for seed in range(1, count + 1)
    ]
    with torch.no_grad():  # biases and transitions that are not zero
        for seed, learner in enumerate(learners, start=count + 1):
            noise = torch.Generator().manual_seed(seed)
            for parameter in learner.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=noise) * 0.1)
    return learners


@pytest.mark.parametrize(
    ("static", "weights"), [(True, ()), (False, ()), (True, (3.0, 1.0)), (False, (1.0, 2.0, 2.0))]
)
def test_scores_are_the_mean_of_all(static: bool, weights: tuple[float, ...]) -> None:
    count = len(weights) or 2
    shares = torch.tensor(weights or (1.0, 1.0)) / sum(weights or (1.0, 1.0))
    lstm = MetaLSTMConfig(hidden=6, meta=4, z=5, static=static)
    config = TaggerConfig(lstm=lstm, filters=7, character_size=9)
    every = taggers(config, count)
    made = model()
    joined = new_tagger(merged_config(config, count), made.vectors, made.alphabet, 0, 2)
    params = merged([own(each) for each in every], config, weights)
    batch = encoded(made.table(), TARGET.split("train")[:8], TARGET.types)
    mean = torch.einsum("n,n...->...", shares, torch.stack([one.emissions(batch) for one in every]))
    torch.testing.assert_close(joined.emissions_with(params, batch), mean, rtol=1e-4, atol=1e-5)
    transitions = shares @ torch.stack([each.head_transitions for each in every])
    torch.testing.assert_close(params["head_transitions"], transitions)
    assert {n: p.shape for n, p in params.items()} == {n: p.shape for n, p in own(joined).items()}


def test_it_is_a_tagger_like_any(tmp_path: Path) -> None:
    made = replace(model())
    config = made.learner.config
    params = merged([own(each) for each in taggers(config, 2)], config)
    whole = adapted_model(made, params, ("A", "B"), {}, made.lexicon, merged_config(config, 2))
    save_model(whole, tmp_path / "t")
    read = load_model(tmp_path / "t", TAGGER)
    assert read.learner.config == merged_config(config, 2)
    batch = encoded(made.table(), TARGET.split("train")[:4], TARGET.types)
    assert torch.equal(read.learner.emissions(batch), whole.learner.emissions(batch))
    assert json.loads((tmp_path / "t" / "config.json").read_text())["format_version"] == 3


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (TaggerConfig(lstm=MetaLSTMConfig(kind="lstm")), "lstm"),
        (TaggerConfig(attention=2), "attention behind it"),
        (TaggerConfig(sharing="stacked"), r"layers that tasks share \(stacked\)"),
        (TaggerConfig(sharing="parallel"), r"layers that tasks share \(parallel\)"),
    ],
)
def test_other_layers_are_refused(config: TaggerConfig, said: str) -> None:
    with pytest.raises(UserError, match=f"with a Meta-LSTM alone, not {said}; use") as problem:
        merged_config(config, 2)
    assert "\n" not in str(problem.value)
