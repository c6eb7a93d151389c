"""The methods: which settings their cells have, and how the cells are done."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.plan import draw_supports
from fewshot_metalstm.adapt.target import adapt_target
from fewshot_metalstm.adapt.work import Loaded
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingCell as Cell
from fewshot_metalstm.kinds.tagging.adapt.cell import run_cell, start_of
from fewshot_metalstm.kinds.tagging.adapt.crf_baseline import CrfConfig, tag_all, train_crf
from fewshot_metalstm.kinds.tagging.adapt.methods import BASELINES, do_cell, make_cell, method_of
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig
from fewshot_metalstm.kinds.tagging.adapt.tuning import tuned_names
from fewshot_metalstm.kinds.tagging.kind import TAGGING
from fewshot_metalstm.kinds.tagging.tagger.heads import choose_heads, source_heads
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, TaggerModel, load_model, save_model
from fewshot_metalstm.kinds.tagging.tagger.scoring import strict_scores
from tests.kinds.tagging.tagger.builders import TARGET, model, own

QUICK = AdaptConfig(epochs=2, min_steps=10, lr=0.02, averages=3)
SETTINGS = AdaptRunConfig(
    shots=3, draws=2, adapt=QUICK, scratch=replace(QUICK, lr=0.03, averages=1)
)
SUPPORT = tuple(range(12))


def joint_model() -> TaggerModel:
    """A checkpoint of joint training, with four random heads."""
    generator = torch.Generator().manual_seed(5)
    shapes = {n: p.shape for n, p in model(2).learner.named_parameters() if "head_" in n}
    heads = {
        task: {n: torch.randn(shape, generator=generator) for n, shape in shapes.items()}
        for task in ("a", "b")
    }
    about = {"algorithm": "joint", "targets_excluded": ["goal"], "families": ["a-family"]}
    sources = source_heads(heads, {"a": ("P", "Q"), "b": ("P", "R")})
    return replace(model(), about=about, heads=sources)


def never() -> Loaded:
    raise AssertionError("a checkpoint was asked for")


def test_each_method_has_settings_of_its_own() -> None:
    cells = {
        name: make_cell(name, SETTINGS, 1, SUPPORT)
        for name in ("fomaml", "joint", "scratch", "crf")
    }
    assert {name: cell.config for name, cell in cells.items()} == {
        "fomaml": QUICK, "joint": QUICK, "scratch": SETTINGS.scratch, "crf": SETTINGS.crf
    }  # fmt: skip
    assert {name: cell.tune for name, cell in cells.items()} == {
        "fomaml": "all", "joint": "all", "scratch": "all", "crf": "all"
    }  # fmt: skip
    assert {cell.draw for cell in cells.values()} == {1}
    assert {name for name in BASELINES if method_of(name).checkpoint} == {"scratch"}


def test_settings_that_mean_nothing_are_refused() -> None:
    for name, settings, line in (
        ("joint", replace(SETTINGS, tune="lstm"), "tune 'lstm' is unknown"),
        ("maml", replace(SETTINGS, adapt=replace(QUICK, averages=0)), "averages is 0"),
        ("crf", replace(SETTINGS, crf=CrfConfig(c2=-1)), "crf.c2 is -1; use at least 0"),
    ):
        with pytest.raises(UserError, match=line):
            make_cell(name, settings, 0, SUPPORT)


def test_joint_starts_from_the_heads_with_the_lowest_loss() -> None:
    made = joint_model()
    table = made.table()
    cell = make_cell("joint", SETTINGS, 0, SUPPORT)
    support = [TARGET.split("train")[i] for i in SUPPORT]
    chosen = choose_heads(made.learner, made.heads, table, support, TARGET.types)
    start = start_of(cell, made, TARGET, table)
    assert start.heads == {n: h.name for n, h in zip(TARGET.types, chosen, strict=True)}
    rows = start.learner.head_type
    assert torch.equal(rows, torch.cat([head.params["head_type"] for head in chosen]))
    result = run_cell(cell, made, TARGET, table)
    assert result.start == start.heads
    still = replace(cell, config=replace(QUICK, lr=0.0))
    assert run_cell(still, made, TARGET, table).losses != result.losses
    other = replace(made, heads=())
    assert run_cell(cell, other, TARGET, table).losses != result.losses
    assert run_cell(cell, other, TARGET, table).start == {}
    assert set(tuned_names(start.learner, cell.tune)) <= set(own(start.learner))


def test_scratch_does_not_start_from_source_heads() -> None:
    cell = make_cell("scratch", SETTINGS, 0, SUPPORT)
    made = joint_model()
    with_heads = run_cell(cell, made, TARGET, made.table())
    assert with_heads.start == {}
    assert with_heads.losses == run_cell(cell, model(), TARGET, made.table()).losses


def test_the_crf_is_that_of_the_support_and_needs_no_checkpoint() -> None:
    cell = make_cell("crf", SETTINGS, 3, SUPPORT)
    result = do_cell(cell, TARGET, never)
    support, test = [TARGET.split("train")[i] for i in SUPPORT], TARGET.split("test")
    tags = tag_all(train_crf(support, SETTINGS.crf), [s.tokens for s in test])
    assert result.score == strict_scores([s.tags for s in test], tags)
    assert (result.method, result.draw) == ("crf", 3)
    assert (result.support_items, result.losses, result.start) == (12, (), {})
    assert result.support_counted == sum(t[0] in "BS" for s in support for t in s.tags)
    assert do_cell(replace(cell, score=False), TARGET, never).score is None
    with pytest.raises(TypeError, match="crf adapts no learner"):
        cell.adaptation  # noqa: B018
    with pytest.raises(TypeError, match="holds its settings"):
        do_cell(Cell("crf", 0, 0, SUPPORT, "all", QUICK), TARGET, never)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_joint_checkpoint_and_a_baseline(tmp_path: Path, workers: int) -> None:
    save_model(joint_model(), tmp_path / "c")
    config = replace(SETTINGS, draws=1, baselines=("crf",))
    report = adapt_target(
        tmp_path / "c", TARGET, config, tmp_path / "out", device=torch.device("cpu"),
        workers=workers,
    )  # fmt: skip
    shape = report.as_dict()
    assert json.loads(json.dumps(shape)) == shape
    assert shape["method"] == "joint"
    held = load_model(tmp_path / "c")
    table = held.table()
    (draw,) = shape["draws"]
    assert set(draw["start"]) == set(TARGET.types)
    assert set(draw["start"].values()) <= {head.name for head in held.heads}
    assert "start" not in shape["baselines"]["crf"]["draws"][0]
    assert shape["baselines"]["crf"]["draws"][0]["f1"] is not None
    tagger = load_model(tmp_path / "out" / "tagger", TAGGER)
    assert tagger.heads == ()
    assert tagger.about["from"]["algorithm"] == "joint"
    assert tagger.about["start"] == draw["start"]
    scores = [cell.score for m in (report.main, *report.baselines) for cell in m.cells]
    expected = [
        do_cell(make_cell(name, config, 0, support), TARGET, lambda: Loaded(held, table)).score
        for support in (s.indices for s in draw_supports(TAGGING, TARGET, config))
        for name in ("joint", "crf")
    ]
    assert scores == expected
