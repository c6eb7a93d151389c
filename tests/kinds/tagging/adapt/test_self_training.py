"""Adapting once more, with unlabelled text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.plan import plan_adaptation
from fewshot_metalstm.adapt.target import adapt_target
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt import cell as cell_module
from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingCell as Cell
from fewshot_metalstm.kinds.tagging.adapt.cell import run_cell
from fewshot_metalstm.kinds.tagging.adapt.methods import make_cell
from fewshot_metalstm.kinds.tagging.adapt.self_training import (
    TRAIN,
    SelfTrainingConfig,
    Unlabelled,
    beside,
    unlabelled_of,
)
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig
from fewshot_metalstm.kinds.tagging.adapt.tagger import support_batch
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, TaggerModel, load_model, save_model
from fewshot_metalstm.machine import pick_device
from tests.kinds.tagging.tagger.builders import TARGET, model

QUICK = AdaptConfig(epochs=2, min_steps=4, lr=0.02, averages=2)
OWN = SelfTrainingConfig(sentences=9, epochs=2)
SETTINGS = AdaptRunConfig(
    shots=3, draws=2, baselines=("scratch", "crf"), adapt=QUICK,
    scratch=replace(QUICK, averages=1),
    unlabelled=TRAIN, self_training=OWN,
)  # fmt: skip
SUPPORT = tuple(range(6))
TEXT = tuple(s.tokens for s in TARGET.split("train")[6:20])


def checkpoint() -> TaggerModel:
    about = {"algorithm": "fomaml", "targets_excluded": ["goal"], "families": ["a-family"]}
    return replace(model(), about=about)


def test_what_is_drawn_is_not_of_the_support_and_depends_on_seed_and_draw() -> None:
    text = Unlabelled("here", tuple((f"w{i}",) for i in range(50)))
    config = SelfTrainingConfig(sentences=20)
    support = {("w3",), ("w4",)}
    one = text.drawn(config, support, 0, 0)
    assert len(one) == len(set(one)) == 20
    assert not support & set(one)
    assert one == text.drawn(config, support, 0, 0)
    assert len({one, text.drawn(config, support, 0, 1), text.drawn(config, support, 1, 0)}) == 3
    everything = text.drawn(SelfTrainingConfig(), support, 0, 0)
    assert sorted(everything) == sorted(set(text.sentences) - support)
    with pytest.raises(UserError, match="no unlabelled sentence is left beside the support"):
        Unlabelled("here", tuple(support)).drawn(config, support, 0, 0)


def test_a_sentence_of_the_test_split_is_left_out_and_counted(tmp_path: Path) -> None:
    test = TARGET.split("test")[0].tokens
    file = tmp_path / "more.conll"
    rows = [test, ("One", "more"), ("One", "more"), ("Two",)]
    file.write_text("\n\n".join("\n".join(row) for row in rows) + "\n")
    found = unlabelled_of(TARGET, str(file))
    assert found.sentences == (("One", "more"), ("Two",))
    assert found.notes == ("1 unlabelled sentences equal one of the test split, and were left out",)
    own = unlabelled_of(TARGET, TRAIN)
    assert set(own.sentences) == {s.tokens for s in TARGET.split("train")}
    file.write_text("\n".join(test).upper() + "\n")
    with pytest.raises(UserError, match="holds no unlabelled sentence"):
        unlabelled_of(TARGET, str(file))


def test_every_step_sees_as_much_of_the_support() -> None:
    taken = beside([4, 0, 7], 8, 3)
    assert taken == [4, 0, 7, 8 + 1, 8 + 0, 8 + 1]
    every = beside(range(9), 9, 3)
    assert [every.count(9 + i) for i in range(3)] == [3, 3, 3]


def test_the_second_time_learns_from_the_first_ones_tags(
    monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    seen: list[list[Sentence]] = []

    def spy(*given: Any) -> object:
        seen.append(list(given[4]))
        return support_batch(*given)

    monkeypatch.setattr(cell_module, "support_batch", spy)
    held = checkpoint()
    cell = Cell("fomaml", 0, 0, SUPPORT, "basic", QUICK, unlabelled=TEXT, again=OWN)
    result = run_cell(cell, held, TARGET, held.table())
    assert [len(found) for found in seen] == [0, len(TEXT)]
    assert tuple(s.tokens for s in seen[1]) == TEXT
    assert result.method == "fomaml+unlabelled"
    assert len(result.losses) == OWN.epochs
    plain = run_cell(replace(cell, unlabelled=()), held, TARGET, held.table())
    assert plain.method == "fomaml"
    assert result.losses != plain.losses


def test_only_what_is_tuned_makes_use_of_it() -> None:
    def used(name: str, **settings: object) -> bool:
        config = replace(SETTINGS, **settings)  # type: ignore[arg-type]
        return bool(make_cell(name, config, 0, SUPPORT, unlabelled=TEXT).unlabelled)

    assert used("fomaml")
    assert used("scratch")
    assert not used("crf")
    assert not used("fomaml", tune="prototypes")


def test_a_run_says_so_and_is_the_same_on_one_worker_or_two(tmp_path: Path) -> None:
    save_model(checkpoint(), tmp_path / "checkpoint")
    cpu = pick_device("cpu")
    reports = [
        adapt_target(tmp_path / "checkpoint", TARGET, SETTINGS, tmp_path / str(workers),
                     device=cpu, workers=workers)
        for workers in (1, 2)
    ]  # fmt: skip
    one, two = (report.as_dict() for report in reports)
    assert (one["method"], one["unlabelled"]) == ("fomaml+unlabelled", TRAIN)
    assert set(one["baselines"]) == {"scratch+unlabelled", "crf"}
    for report in (one, two):
        del report["tagger"], report["model"]
        for method in (report, *report["baselines"].values()):
            assert [draw.pop("seconds") >= 0 for draw in method["draws"]] == [True, True]
    assert one == two
    tagger = load_model(tmp_path / "1" / "tagger", TAGGER)
    assert tagger.about["method"] == "fomaml+unlabelled"
    assert tagger.about["unlabelled_sentences"] == 9


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"self_training": SelfTrainingConfig(sentences=0)}, "self_training.sentences is 0"),
        ({"self_training": SelfTrainingConfig(epochs=0)}, "self_training.epochs is 0"),
        ({"tune": "nnshot"}, "which tune nnshot does not"),
        ({"unlabelled": "nowhere.txt"}, "nowhere.txt"),
    ],
)
def test_mistakes(settings: dict[str, object], line: str, tmp_path: Path) -> None:
    save_model(checkpoint(), tmp_path / "checkpoint")
    config = replace(SETTINGS, **settings)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=line):
        adapt_target(
            tmp_path / "checkpoint", TARGET, config, tmp_path / "out", device=pick_device("cpu")
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("algorithm", ["protonet", "structshot"])
def test_a_checkpoint_that_is_not_tuned_by_itself_has_no_use_for_text(
    algorithm: str, tmp_path: Path
) -> None:
    held = replace(checkpoint(), about={**checkpoint().about, "algorithm": algorithm})
    save_model(held, tmp_path / "checkpoint")
    with pytest.raises(UserError, match=r"^unlabelled text is for a tagger that is tuned, which"):
        plan_adaptation(tmp_path / "checkpoint", TARGET, SETTINGS, tmp_path / "out")
    tuned = replace(SETTINGS, tune="all")
    plan = plan_adaptation(tmp_path / "checkpoint", TARGET, tuned, tmp_path / "out")
    assert [bool(cell.unlabelled) for cell in plan.cells] == [True] * 4 + [False] * 2  # type: ignore[attr-defined]
