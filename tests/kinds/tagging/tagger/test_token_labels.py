"""Taggers of one label a token: adapted, scored, saved, read and used."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fewshot_metalstm import accuracy
from fewshot_metalstm.cli.main import main
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.cell import run_cell
from fewshot_metalstm.kinds.tagging.adapt.methods import make_cell
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig
from fewshot_metalstm.kinds.tagging.corpora.sentence import Corpus, Sentence, TokenLabels
from fewshot_metalstm.kinds.tagging.episodes.draws import draw
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.kind import TAGGING
from fewshot_metalstm.kinds.tagging.tagger.confidence import read
from fewshot_metalstm.kinds.tagging.tagger.decode import tag
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, TaggerModel, load_model
from fewshot_metalstm.kinds.tagging.tagger.scoring import ACCURACY, FIGURE, MIXED, scored
from fewshot_metalstm.kinds.tagging.training.supervised import TaggingTraining
from fewshot_metalstm.train.session import train
from tests.kinds.tagging.tagger.builders import model, own, task
from tests.kinds.tagging.training.test_supervised import CONFIG

WORDS = {"the": "DET", "a": "DET", "we": "PRON", "saw": "VERB", "cell": "NOUN", ".": "PUNCT"}
TEXT = ("the cell saw a cell .", "we saw the cell .", "we saw .", "a cell saw we .", "the cell .")
LABELS = TokenLabels(sorted(set(WORDS.values())))


def labelled(name: str = "pos") -> Task:
    """A task whose labels follow from the words."""
    sentences = tuple(
        Sentence(words, tuple(f"S-{WORDS[word]}" for word in words))
        for words in (tuple(f"{text} {more}".split()) for text in TEXT for more in TEXT)
    )
    splits = {"train": sentences[::2], "test": sentences[1::2]}
    return Task(name, Corpus(name, name, LABELS, splits, {"train": "0", "test": "1"}), LABELS)


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, accuracy.Score]:
    """A tagger of labels in a folder, and its score."""
    folder = tmp_path_factory.mktemp("labels") / "tagger"
    made, target = model(), labelled()
    config = AdaptRunConfig(seed=0, recipe="none")
    cell = make_cell("joint", config, 0, tuple(range(12)), folder)
    score = run_cell(cell, made, target, made.table()).score
    assert isinstance(score, accuracy.Score)
    return folder, score


def test_the_figure_is_accuracy_and_says_so(adapted: tuple[Path, accuracy.Score]) -> None:
    target, entities = labelled(), task("one", ("X",))
    assert TAGGING.figure_of(target) is ACCURACY
    assert TAGGING.figure_of(entities) is FIGURE
    assert TAGGING.figure_for([FIGURE, ACCURACY]) is MIXED
    assert ACCURACY.as_dict()["figure"] == "accuracy"
    score = adapted[1]
    assert score.size == sum(len(s) for s in target.split("test"))
    assert score.value > 60, "what follows from the words is learned from twelve sentences"
    assert set(score.groups) == set(LABELS)


def test_every_token_gets_a_label(adapted: tuple[Path, accuracy.Score]) -> None:
    made = load_model(adapted[0], TAGGER)
    assert isinstance(made.types, TokenLabels)
    sentences = [("we", "saw", "unheard-of", "."), ("Zzz",)]
    found = tag(made.learner, own(made.learner), made.table(), sentences, made.types)
    assert [len(tags) for tags in found] == [4, 1]
    assert all(name.startswith("S-") for tags in found for name in tags)
    readings = read(made, sentences)
    assert [reading.tags for reading in readings] == found or made.lexicon.mentions
    assert [len(reading.confidences) for reading in readings] == [4, 1]
    assert all(0 < sure <= 1 for reading in readings for sure in reading.confidences)


def test_the_score_of_a_saved_tagger_is_that_of_its_cell(
    adapted: tuple[Path, accuracy.Score],
) -> None:
    made, target = load_model(adapted[0], TAGGER), labelled()
    assert TAGGING.score(TAGGING.loaded(made), target, "test") == adapted[1]
    with pytest.raises(UserError, match="one is annotated with mentions, and the tagger gives a "):
        TAGGING.score(TAGGING.loaded(made), task("one", ("X",)), "devel")


def test_predictions_are_labels(
    adapted: tuple[Path, accuracy.Score], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.tsv").write_text("the\ncell\n\nwe\n")
    output = tmp_path / "out.conll"
    assert main(["predict", str(adapted[0]), str(tmp_path / "in.tsv")]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines() if line]
    assert [row[0] for row in rows] == ["the", "cell", "we"]
    assert {row[1] for row in rows} <= set(LABELS)
    arguments = ["predict", str(adapted[0]), str(tmp_path / "in.tsv"), "--output", str(output)]
    assert main(arguments) == 0
    written = [row.split("\t") for row in output.read_text().splitlines() if "\t" in row]
    assert written == rows


def test_a_draw_has_k_tokens_of_each_label_and_no_mention_free_sentences() -> None:
    support = draw(labelled(), 3, 0)
    assert set(support.counts) == set(LABELS)
    assert min(support.counts.values()) >= 3
    assert support.shortfall == ""


def test_scores_of_labels() -> None:
    gold, found = [("S-DET", "S-NOUN"), ("S-DET",)], [("S-DET", "S-DET"), ("O",)]
    score = scored(LABELS, gold, found)
    assert score.value == pytest.approx(100 / 3)
    assert {name: each.value for name, each in score.groups.items()} == {"DET": 50.0, "NOUN": 0.0}


def test_mixed_tasks_are_trained_jointly(tmp_path: Path) -> None:
    tasks = [labelled(), task("one", ("X", "Y"))]
    source = TaggingTraining(CONFIG, tasks)
    result = train(source, tmp_path / "r", kind="tagging", items="sentences",
                   device=torch.device("cpu"))  # fmt: skip
    assert result.figure is MIXED
    scores = {task.name: task.scores for task in result.tasks}
    assert 0 < scores["pos"]["test"].value <= 100
    made: TaggerModel = load_model(tmp_path / "r" / "pos" / "tagger", TAGGER)
    assert isinstance(made.types, TokenLabels)
    assert TaggingTraining(CONFIG, tasks[:1]).figure is ACCURACY
