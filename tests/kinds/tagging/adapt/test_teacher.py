"""Learning from another tagger's tags."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.policy import Policy, Recipe
from fewshot_metalstm.adapt.target import adapt_target
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt import cell as cell_module
from fewshot_metalstm.kinds.tagging.adapt.card import tagger_card
from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingCell as Cell
from fewshot_metalstm.kinds.tagging.adapt.cell import run_cell
from fewshot_metalstm.kinds.tagging.adapt.methods import make_cell
from fewshot_metalstm.kinds.tagging.adapt.tagger import support_batch
from fewshot_metalstm.kinds.tagging.adapt.teacher import Teacher, tags_as_it_is, teacher_of
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, TaggerModel, load_model, save_model
from fewshot_metalstm.machine import pick_device
from tests.kinds.tagging.adapt.test_self_training import (
    OWN,
    QUICK,
    SETTINGS,
    SUPPORT,
    TEXT,
    checkpoint,
)
from tests.kinds.tagging.tagger.builders import TARGET, model

CELL = Cell("fomaml", 0, 0, SUPPORT, "basic", QUICK, unlabelled=TEXT, again=OWN)


def tagger(*types: str) -> TaggerModel:
    """One that knows types, from a checkpoint that has not seen the target."""
    about = {"from": {"targets_excluded": ["goal"], "families": ["a-family"]}}
    return replace(model(len(types), TAGGER), types=types, about=about)


@pytest.fixture
def pupils(monkeypatch: pytest.MonkeyPatch) -> list[list[Sentence]]:
    """What pseudo-labelled sentences learners were tuned on, time after time."""
    seen: list[list[Sentence]] = []

    def spy(*given: Any) -> object:
        seen.append(list(given[4]))
        return support_batch(*given)

    monkeypatch.setattr(cell_module, "support_batch", spy)
    return seen


def test_its_own_checkpoint_as_the_teacher_is_self_training(
    tmp_path: Path, pupils: list[list[Sentence]]
) -> None:
    held = checkpoint()
    save_model(held, tmp_path / "same")
    teacher, notes = teacher_of(str(tmp_path / "same"), TARGET)
    assert notes == ()
    own = run_cell(CELL, held, TARGET, held.table())
    taught = run_cell(replace(CELL, teacher=teacher), held, TARGET, held.table())
    assert taught.losses == own.losses
    assert [len(found) for found in pupils] == [0, len(TEXT), 0, len(TEXT)]
    assert pupils[1] == pupils[3]
    assert (own.method, taught.method) == ("fomaml+unlabelled", "fomaml+teacher")


def test_another_checkpoint_is_adapted_to_the_same_support(
    tmp_path: Path, pupils: list[list[Sentence]]
) -> None:
    held = checkpoint()
    other = replace(checkpoint(), about={**held.about, "algorithm": "reptile"})
    for weight in other.learner.parameters():
        weight.data.mul_(0.9)
    save_model(other, tmp_path / "other")
    teacher, _ = teacher_of(str(tmp_path / "other"), TARGET)
    run_cell(replace(CELL, teacher=teacher), held, TARGET, held.table())
    alone = replace(CELL, method="reptile")
    run_cell(alone, other, TARGET, other.table())
    assert pupils[1] == pupils[3], "as the other itself tags them"
    assert tuple(s.tokens for s in pupils[1]) == TEXT


def test_a_named_recipe_is_the_pupils_alone(tmp_path: Path, pupils: list[list[Sentence]]) -> None:
    held = replace(checkpoint(), policy=Policy({"near": Recipe({"epochs": 1})}, "near"))
    save_model(checkpoint(), tmp_path / "other")
    teacher, _ = teacher_of(str(tmp_path / "other"), TARGET)
    cell = replace(CELL, tune="all", config=AdaptConfig(min_steps=2), recipe="near")
    result = run_cell(replace(cell, teacher=teacher), held, TARGET, held.table())
    assert result.choice["recipe"] == "near"
    assert tuple(s.tokens for s in pupils[1]) == TEXT


@pytest.mark.parametrize("types", [("Drug", "Gene", "Cell"), ("Cell", "Drug", "Gene")])
def test_a_tagger_tags_as_it_is_and_of_the_targets_types_alone(
    types: tuple[str, ...], tmp_path: Path, pupils: list[list[Sentence]]
) -> None:
    known = tagger(*types)
    save_model(known, tmp_path / "tagger")
    teacher, _ = teacher_of(str(tmp_path / "tagger"), TARGET)
    held = checkpoint()
    run_cell(replace(CELL, teacher=teacher), held, TARGET, held.table())
    assert len(pupils) == 1
    (found,) = pupils
    assert found == tags_as_it_is(known, TARGET, TEXT)
    every = {tag[2:] for s in tags_as_it_is(known, all_of(known), TEXT) for tag in s.tags}
    assert every == {"", types[0]}, "fresh weights find mentions of the first type"
    kept = {tag[2:] for s in found for tag in s.tags}
    assert kept == every - {"Cell"}


def all_of(known: TaggerModel) -> Any:
    return type(TARGET)(TARGET.name, TARGET.corpus, known.types)


def test_cells_say_who_taught_them() -> None:
    one, two = Teacher(Path("a"), "1" * 64), Teacher(Path("b"), "2" * 64)
    settings = {
        str(t): replace(CELL, teacher=t).further_settings() for t in (None, one, two)
    }  # fmt: skip
    assert "teacher" not in settings["None"]
    assert len({str(found) for found in settings.values()}) == 3
    cell = make_cell("fomaml", SETTINGS, 0, SUPPORT, unlabelled=TEXT, teacher=one)
    assert cell.teacher == one
    beside = make_cell("scratch", SETTINGS, 0, SUPPORT, unlabelled=TEXT, teacher=one)
    assert beside.teacher is None
    assert beside.called == "scratch+unlabelled"


@pytest.mark.parametrize(
    ("folder", "name"), [("mine/tagger", "mine"), ("big/checkpoint", "big"), ("packed", "packed")]
)
def test_a_teacher_goes_by_the_name_of_its_run(folder: str, name: str) -> None:
    assert Teacher(Path("runs", folder), "").name == name


def test_a_run_says_so(tmp_path: Path) -> None:
    for name in ("checkpoint", "teacher/checkpoint"):
        save_model(checkpoint(), tmp_path / name)
    config = replace(SETTINGS, teacher=str(tmp_path / "teacher"), baselines=(), draws=1)
    cpu = pick_device("cpu")
    report = adapt_target(tmp_path / "checkpoint", TARGET, config, tmp_path / "out", device=cpu)
    assert report.method == "fomaml+teacher"
    assert report.text == f"the unlabelled text of train, tagged by {tmp_path / 'teacher'}"
    assert report.as_dict()["teacher"] == str(tmp_path / "teacher")
    made = load_model(tmp_path / "out" / "tagger", TAGGER)
    assert made.about["teacher"] == "teacher"
    said = "taught: 9 unlabelled sentences, as `teacher` tagged them"
    assert said in tagger_card(made, "mine")


@pytest.mark.parametrize(
    ("saved", "settings", "line"),
    [
        (checkpoint(), {"unlabelled": ""}, "name it by --unlabelled FILE"),
        (None, {}, "teacher"),
        (tagger("Gene"), {}, "has the type Drug, which the tagger does not know"),
        (replace(checkpoint(), about={"families": ["goal-family"]}), {}, "goal-family"),
        (
            replace(tagger("Drug", "Gene"), about={"from": {"families": ["goal-family"]}}),
            {},
            "comes from a checkpoint that has learned from goal's family goal-family",
        ),
    ],
)
def test_mistakes(
    saved: TaggerModel | None, settings: dict[str, str], line: str, tmp_path: Path
) -> None:
    save_model(checkpoint(), tmp_path / "checkpoint")
    if saved is not None:
        save_model(saved, tmp_path / "teacher")
    config = replace(SETTINGS, teacher=str(tmp_path / "teacher"), **settings)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=line):
        adapt_target(
            tmp_path / "checkpoint", TARGET, config, tmp_path / "out", device=pick_device("cpu")
        )
    assert not (tmp_path / "out").exists()
