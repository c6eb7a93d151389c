"""spaCy's NER as a baseline: it learns, sees our tokens, and is a function of the seed."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fewshot_metalstm.adapt.work import Loaded
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.jobs.pool import PoolRunner
from fewshot_metalstm.kinds.tagging.adapt import spacy_baseline
from fewshot_metalstm.kinds.tagging.adapt.methods import do_cell, make_cell
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig, SweepConfig
from fewshot_metalstm.kinds.tagging.adapt.spacy_baseline import (
    SpacyConfig,
    SpacyTagger,
    check_spacy,
    train_spacy,
)
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme, validate
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger.scoring import strict_scores
from fewshot_metalstm.sweep.run import plan_sweep, run_sweep
from fewshot_metalstm.sweep.store import SweepFolder
from tests.kinds.tagging.adapt.needed import spacy_or_skip
from tests.kinds.tagging.tagger.builders import TARGET

QUICK = SpacyConfig(epochs=1, min_steps=120, dropout=0.2)
TRAIN = TARGET.split("train")[:12]
SUPPORT = tuple(range(12))


def never() -> Loaded:
    raise AssertionError("a checkpoint was asked for")


@pytest.fixture(scope="module")
def tagger() -> SpacyTagger:
    spacy_or_skip()
    return train_spacy(TRAIN, QUICK, 3)


def test_it_learns_what_it_is_shown(tagger: SpacyTagger) -> None:
    tags = tagger.tag_all([s.tokens for s in TRAIN])
    assert strict_scores([s.tags for s in TRAIN], tags).f1 > 90
    assert tagger.losses[-1] < tagger.losses[0] / 4
    assert set(tagger.about) == {"spacy"}


def test_tags_are_legal_one_a_token(tagger: SpacyTagger) -> None:
    odd = [(), ("\u00a0",), ("Gene1-0", "\u00a0", "don't", "a-b", "..."), ("x",) * 700]
    for tokens, tags in zip(odd, tagger.tag_all(odd), strict=True):
        assert len(tags) == len(tokens)
        validate(tags, Scheme.IOBES)
    assert tagger.tag_all([]) == []


def test_it_is_a_function_of_the_seed_and_leaves_generators_alone(tagger: SpacyTagger) -> None:
    states = random.getstate(), str(np.random.get_state())
    few = replace(QUICK, min_steps=8)
    first = train_spacy(TRAIN, few, 3)
    assert (random.getstate(), str(np.random.get_state())) == states
    assert train_spacy(TRAIN, few, 3).losses == first.losses == tagger.losses[: len(first.losses)]
    assert train_spacy(TRAIN, few, 4).losses != first.losses


def test_supports_that_are_odd() -> None:
    spacy_or_skip()
    few = replace(QUICK, min_steps=3)
    plain = train_spacy([Sentence(("a", "b"), ("O", "O")), Sentence((), ())], few, 0)
    assert plain.tag_all([("a", "c")]) == [("O", "O")]
    blank = Sentence(("a", "\u00a0"), ("B-X", "E-X"))  # spaCy itself takes no such mention
    assert len(train_spacy([blank], few, 0).tag_all([blank.tokens])[0]) == 2


def test_a_cell_of_it_needs_no_checkpoint() -> None:
    spacy_or_skip()
    settings = AdaptRunConfig(spacy=replace(QUICK, min_steps=10))
    cell = make_cell("spacy", settings, 1, SUPPORT)
    result = do_cell(cell, TARGET, never)
    assert result.score is not None
    assert result.about["spacy"]
    assert len(result.losses) == 4
    assert do_cell(replace(cell, score=False), TARGET, never).score is None


def test_a_sweep_on_processes_gives_the_same(tmp_path: Path) -> None:
    spacy_or_skip()
    config = SweepConfig(
        targets=("goal",), shots=(3,), methods=("spacy",), draws=(0, 1),
        spacy=replace(QUICK, min_steps=10),
    )  # fmt: skip
    reports = []
    for workers in (1, 2):
        files = SweepFolder(tmp_path / str(workers))
        plan = plan_sweep(None, [TARGET], config, files)
        reports.append(run_sweep(plan, files, PoolRunner(workers), retries=0))
        assert not reports[-1].failed
        again = plan_sweep(None, [TARGET], config, files)
        assert {k: r.score for k, r in again.finished.items()} == {
            p.key: reports[-1].rows[0].draws[p.key.draw].score for p in plan.cells
        }
    one, two = (report.rows[0].draws for report in reports)
    assert {d: (r.losses, r.score) for d, r in one.items()} == {
        d: (r.losses, r.score) for d, r in two.items()
    }
    (note,) = (note for note in reports[0].notes if note.startswith("spacy: "))
    assert note.startswith("spacy: spacy ")


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for config, line in (
        (SpacyConfig(epochs=0), r"spacy\.epochs is 0; use at least 1"),
        (SpacyConfig(dropout=1.0), r"spacy\.dropout is 1; use 0 to below 1"),
        (SpacyConfig(batch_from=64), "batches grow from 1 or more"),
        (SpacyConfig(batch_growth=0.5), r"spacy\.batch_growth is 0\.5; use at least 1"),
        (SpacyConfig(lr=0), r"spacy\.lr is 0; use more than 0"),
    ):
        with pytest.raises(UserError, match=line):
            check_spacy(config)
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(
        UserError, match=r"not installed; pip install 'fewshot-metalstm\[spacy"
    ) as e:
        make_cell("spacy", AdaptRunConfig(), 0, SUPPORT)
    assert "\n" not in str(e.value)


def test_an_empty_support_is_refused() -> None:
    spacy_or_skip()
    with pytest.raises(UserError, match="support is empty"):
        train_spacy([], QUICK, 0)


def test_a_loss_that_is_not_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipeline:
        def add_pipe(self, name: str) -> None:
            pass

        def initialize(self, examples: object) -> SimpleNamespace:
            return SimpleNamespace()

        def update(self, examples: object, *, losses: dict[str, float], **_: object) -> None:
            losses["ner"] = float("inf")

    monkeypatch.setattr(
        spacy_baseline, "_spacy",
        lambda: SimpleNamespace(blank=lambda _: Pipeline(), __version__="3"),
    )  # fmt: skip
    monkeypatch.setattr(spacy_baseline, "_example", lambda *_: None)
    with pytest.raises(UserError, match=r"loss of pass 1 is not finite at .* a lower spacy\.lr"):
        train_spacy([Sentence(("a",), ("O",))], SpacyConfig(), 0)
