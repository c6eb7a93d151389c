"""The package as a program uses it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import fewshot_metalstm
from fewshot_metalstm import Mention, Tagger
from fewshot_metalstm.cli.main import main
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.examples import task_of
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, load_model, save_model
from tests.kinds.tagging.tagger.builders import digests, model, own, same

TEXT = "The cell was in a cell. We saw the cell for w1"
EXAMPLES: list[Any] = [
    ("The cell was in w2. We saw it.", [(4, 8, "Cell"), {"start": 16, "end": 18, "label": "Word"}]),
    (["the", "w", "x", "was"], ["O", "B-Cell", "I-Cell", "O"]),
    ("We saw", []),
]
QUICK: dict[str, Any] = {"averages": 1, "epochs": 2, "min_steps": 20, "lr": 0.1}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Tagger:
    folder = tmp_path_factory.mktemp("checkpoint") / "run"
    save_model(model(), folder / "checkpoint")
    return Tagger.from_pretrained(folder)


@pytest.fixture(scope="module")
def adapted(checkpoint: Tagger) -> Tagger:
    return checkpoint.adapt(EXAMPLES, **QUICK)


def test_importing_the_package_brings_no_torch() -> None:
    code = (
        "import sys, fewshot_metalstm; assert fewshot_metalstm.__version__; "
        "assert {'Tagger', 'Mention'} <= set(dir(fewshot_metalstm)); "
        "sys.exit(any(m in sys.modules for m in ('torch', 'numpy', 'mlflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    with pytest.raises(AttributeError, match="no attribute 'Taggger'"):
        getattr(fewshot_metalstm, "Taggger")  # noqa: B009


def test_adapt_gives_a_new_tagger_and_leaves_the_checkpoint(checkpoint: Tagger) -> None:
    before = own(checkpoint.model.learner)
    tagger = checkpoint.adapt(EXAMPLES, **QUICK)
    assert (checkpoint.kind, checkpoint.types) == ("checkpoint", ())
    assert (tagger.kind, tagger.types) == ("tagger", ("Cell", "Word"))
    assert same(before, own(checkpoint.model.learner))
    assert tagger.about["support_sentences"] == 4  # the first text holds two
    lexicon = {("cell",): "Cell", ("w", "x"): "Cell", ("w0",): "Word"}
    assert tagger.model.lexicon.mentions == lexicon
    again = checkpoint.adapt(EXAMPLES, **QUICK)
    other = checkpoint.adapt(EXAMPLES, seed=1, **QUICK)
    assert same(own(tagger.model.learner), own(again.model.learner))
    assert not same(own(tagger.model.learner), own(other.model.learner))
    assert repr(tagger) == "Tagger(types=['Cell', 'Word'])"


def test_a_tagger_is_that_of_the_command(checkpoint: Tagger, tmp_path: Path) -> None:
    file = tmp_path / "mine.conll"
    file.write_text("the\tO\ncell\tB-Cell\nwas\tO\n\nwe\tO\nsaw\tO\nw1\tB-Word\n", encoding="utf-8")
    checkpoint.save_pretrained(tmp_path / "checkpoint")
    settings = [f"adapt.{name}={value}" for name, value in (QUICK | {"averages": 2}).items()]
    arguments = ["adapt", "--target", str(file), "--shots", "0", "--no-score", "--no-tracking",
                 "--quiet", "--workers", "1", "--checkpoint", str(tmp_path / "checkpoint"),
                 "--output", str(tmp_path / "run"),
                 *(word for s in settings for word in ("--set", s))]  # fmt: skip
    assert main(arguments) == 0
    command = load_model(tmp_path / "run" / "tagger")
    tagger = checkpoint.adapt(file, **QUICK | {"averages": 2})
    assert same(own(command.learner), own(tagger.model.learner))
    assert (command.types, command.lexicon) == (tagger.types, tagger.model.lexicon)


def test_types_are_chosen_and_mentions_found_are_examples(
    checkpoint: Tagger, adapted: Tagger
) -> None:
    assert checkpoint.adapt(EXAMPLES, ["Word"], **QUICK).types == ("Word",)
    found = adapted.tag(TEXT)
    again = checkpoint.adapt([(TEXT, found)], **QUICK)
    assert set(again.types) == {m.type for m in found}


def test_a_saved_tagger_tags_the_same(adapted: Tagger, tmp_path: Path) -> None:
    found = adapted.tag(TEXT)
    assert found
    for mention in found:
        assert TEXT[mention.start : mention.end] == mention.text
        assert 0 <= mention.confidence <= 1
    assert len({m.confidence for m in found}) > 1
    assert adapted.save_pretrained(tmp_path / "mine") == tmp_path / "mine"
    loaded = Tagger.from_pretrained(str(tmp_path / "mine"))
    assert loaded.tag(TEXT) == found
    assert loaded.tag([TEXT, "", TEXT]) == [found, [], found]
    assert loaded.tag([]) == []
    adapted.save_pretrained(tmp_path / "other")
    assert digests(tmp_path / "mine").keys() == {
        "MODEL_CARD.md", "config.json", "model.safetensors", "vocabulary.json"
    }  # fmt: skip
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "mine.txt").touch()
    with pytest.raises(UserError, match="holds other files"):
        adapted.save_pretrained(tmp_path / "docs")


def test_tokens_come_back_with_tags_confidences_and_uncertainty(adapted: Tagger) -> None:
    words = ["we", "saw", "the", "cell", "was", "w1"]
    reading, empty = adapted.tag_tokens([words, []])
    assert len(reading.tags) == 6
    assert len(reading.mentions) == len(reading.confidences) > 0
    assert 0 < reading.uncertainty < 1
    assert (empty.tags, empty.uncertainty) == ((), 0.0)
    with pytest.raises(TypeError, match=r"use tag\(\)"):
        adapted.tag_tokens("we saw")
    with pytest.raises(TypeError, match="not a int"):
        adapted.tag([3])  # type: ignore[list-item]


def test_overlapping_mentions_are_kept_only_where_it_is_said(checkpoint: Tagger) -> None:
    text = "the cell was in"
    examples = [(text, [(0, 8, "Cell"), (4, 12, "Cell"), (4, 12, "Word")])]
    with pytest.raises(UserError, match="overlaps"):
        checkpoint.adapt(examples, **QUICK)
    tagger = checkpoint.adapt(examples, overlaps="longest", **QUICK)
    assert len(tagger.model.lexicon.mentions) == 1


def test_a_file_is_read_with_the_choices_of_the_commands(tmp_path: Path) -> None:
    records: list[dict[str, object]] = [
        {"text": "We saw mice", "mentions": [{"start": 7, "end": 11, "type": "S", "text": "mice"}]},
        {"text": "a rat ran", "mentions": [{"start": 1, "end": 4, "type": "S", "text": "rat"}]},
        {"text": "the old rat", "mentions": [[4, 11, "S"], [8, 11, "S"]]},
    ]
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(map(json.dumps, records)))
    with pytest.raises(UserError, match="--bad-annotations repair"):
        task_of(path, overlaps="longest")
    with pytest.raises(UserError, match="overlap"):
        task_of(path, bad_annotations="repair")
    for policy, mentions in (("repair", 3), ("skip", 2)):
        sentences = task_of(path, (), "longest", policy).split("train")
        assert sum(tag[0] in "BS" for s in sentences for tag in s.tags) == mentions
    studio = tmp_path / "y.json"
    studio.write_text(json.dumps([
        {"data": {"text": "We saw mice"}, "annotations": [{"result": [
            {"type": "labels", "value": {"start": 7, "end": 11, "labels": ["S"]}}]}]},
        {"data": {"text": "nobody looked"}, "annotations": []},
    ]))  # fmt: skip
    assert len(task_of(studio).split("train")) == 1
    assert len(task_of(studio, unannotated="negatives").split("train")) == 2
    with pytest.raises(UserError, match="in memory"):
        task_of([("We", [])], bad_annotations="skip")


@pytest.mark.parametrize(
    ("examples", "says"),
    [
        ([], "no example"),
        ([("We saw", [])], "no entity"),
        ([("We", [(0, 9, "X")])], "example 1: .* is not within the text"),
        ([EXAMPLES[0], ("We", [(0, "2", "X")])], "example 2: .*whole numbers"),
        ([("We", [(0, 2)])], "example 1: .*no mention"),
        ([("We", [{"start": 0, "end": 2}])], "example 1: .*no mention"),
        (["We"], "example 1: a str is no pair"),
        ([(["We"], ["O", "O"])], "example 1: 1 tokens and 2 tags"),
        ([(["We"], ["X"])], "example 1: the tag 'X'"),
        ([(["We", ""], ["O", "O"])], "example 1: a token is"),
        ([(["We"], ["S-X"]), (["We"], ["U-X"])], "mix IOBES and BILOU"),
        ([(["We", "a"], ["S-X", "E-X"])], "example 1: .*in IOBES"),
        ("nowhere.conll", "nowhere.conll"),
    ],
)
def test_bad_examples_are_named(checkpoint: Tagger, examples: Any, says: str) -> None:
    with pytest.raises(UserError, match=says):
        checkpoint.adapt(examples)


def test_other_mistakes_are_named(checkpoint: Tagger, adapted: Tagger, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"adapt\.epoch; did you mean adapt\.epochs"):
        checkpoint.adapt(EXAMPLES, epoch=3)
    with pytest.raises(UserError, match="call adapt"):
        checkpoint.tag("x")
    with pytest.raises(UserError, match="cannot be adapted again"):
        adapted.adapt(EXAMPLES)
    with pytest.raises(UserError, match="there is no such model"):
        Tagger.from_pretrained(tmp_path / "nowhere")
    with pytest.raises(UserError, match="holds no model"):
        Tagger.from_pretrained(tmp_path)


def test_cards_say_what_it_is(adapted: Tagger, checkpoint: Tagger, tmp_path: Path) -> None:
    card = (adapted.save_pretrained(tmp_path / "mine") / "MODEL_CARD.md").read_text()
    assert card.startswith("---\nlanguage: en\n")
    for words in ("# mine", "`Cell`, `Word`", "4 sentences", "holds 3 mentions", "not scored"):
        assert words in card
    page = (checkpoint.save_pretrained(tmp_path / "start") / "MODEL_CARD.md").read_text()
    assert "start" in page
    assert "random" in page  # the source of its vectors


def test_device_and_model_are_the_callers(tmp_path: Path) -> None:
    made = model(2, TAGGER)
    tagger = Tagger(made)
    assert tagger.model is made
    assert tagger.types == ("T0", "T1")
    mentions = tagger.tag("the cell was in w1")
    assert all(isinstance(m, Mention) for m in mentions)
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="finds no GPU"):
            Tagger(made, "cuda")
