"""One method on one support: adapt, score, save."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.adapt.cell import SCRATCH
from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingCell as Cell
from fewshot_metalstm.kinds.tagging.adapt.cell import run_cell
from fewshot_metalstm.kinds.tagging.adapt.tagger import score_split
from fewshot_metalstm.kinds.tagging.adapt.tuning import tune_for, tuned_names
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.decode import tag
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, load_model
from fewshot_metalstm.meta.mamlpp import MAMLPlusPlus
from fewshot_metalstm.meta.registry import BUILT_IN
from tests.kinds.tagging.tagger.builders import TARGET, model, own

QUICK = AdaptConfig(epochs=3, min_steps=20, lr=0.02)
SUPPORT = tuple(range(12))


def cell(method: str = "fomaml", tune: str = "basic", save: Path | None = None) -> Cell:
    return Cell(method, 0, 0, SUPPORT, tune, QUICK, save)


def test_auto_is_all_where_nothing_else_was_learned() -> None:
    found = {name: tune_for("auto", name) for name in (*BUILT_IN, "meta")}
    assert {found.pop(name) for name in ("lstm", "maml++", "meta-sgd")} == {"basic"}
    assert set(found.values()) == {"all"}
    assert tune_for("basic", "anil") == "basic"
    with pytest.raises(UserError, match="tune 'everything' is unknown; use auto, basic, head, all"):
        tune_for("everything", "anil")


def test_learned_rates_take_part_and_are_not_tuned() -> None:
    made = model()
    plain = run_cell(cell("maml++"), made, TARGET, made.table())
    MAMLPlusPlus().prepare(made.learner)
    with torch.no_grad():
        made.learner.get_parameter("inner.head_type").add_(1.0)
    assert not any(name.startswith("inner.") for name in tuned_names(made.learner, "all"))
    assert run_cell(cell("maml++"), made, TARGET, made.table()).losses != plain.losses


def test_the_saved_tagger_predicts_as_the_adapted_parameters(tmp_path: Path) -> None:
    made = model()
    table = made.table()
    result = run_cell(cell(save=tmp_path / "t"), made, TARGET, table)
    read = load_model(tmp_path / "t", TAGGER)
    assert read.types == TARGET.types == ("Drug", "Gene")
    assert read.lexicon.bonus == cell().adaptation.lexicon > 0
    assert read.lexicon.mentions
    again = score_split(read.learner, own(read.learner), read.table(), TARGET, "test", read.lexicon)
    assert again == result.score
    assert result.score is not None
    assert result.score.size > 5
    assert read.about["target"] == "goal"
    assert read.about["from"] == made.about
    assert read.about["test_f1"] == round(result.score.value, 2)
    support = [TARGET.split("train")[i] for i in SUPPORT]
    assert result.support_items == 12
    assert result.support_counted == sum(t[0] in "BS" for s in support for t in s.tags) > 5
    assert result.seconds > 0
    tokens = [s.tokens for s in TARGET.split("test")]
    assert len(tag(read.learner, own(read.learner), read.table(), tokens, read.types)) == 20


def test_a_cell_is_a_pure_function_whatever_the_table_has_seen() -> None:
    made = model()
    first = run_cell(cell(), made, TARGET, made.table())
    used = made.table()
    run_cell(replace(cell(), support=tuple(range(20, 35)), draw=1), made, TARGET, used)
    second = run_cell(cell(), made, TARGET, used)
    assert first.losses == second.losses
    assert first.score == second.score


def test_scratch_knows_nothing_of_the_checkpoints_weights() -> None:
    made, other = model(), model()
    with torch.no_grad():
        for parameter in other.learner.parameters():
            parameter.add_(0.3)
    scratch = [run_cell(cell(SCRATCH, "all"), m, TARGET, m.table()) for m in (made, other)]
    assert scratch[0].losses == scratch[1].losses
    tuned = [run_cell(cell("fomaml", "all"), m, TARGET, m.table()) for m in (made, other)]
    assert tuned[0].losses != tuned[1].losses


def test_a_target_without_a_test_split_has_no_score(tmp_path: Path) -> None:
    corpus = replace(TARGET.corpus, splits={"train": TARGET.corpus.splits["train"]})
    bare = Task("bare", corpus, corpus.types)
    result = run_cell(cell(save=tmp_path / "t"), model(), bare, model().table())
    assert result.score is None
    assert load_model(tmp_path / "t").about["test_f1"] is None
