"""Training with a frozen encoder, from meta-training to the tagged text."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.cli.main import main
from fewshot_metalstm.data.locate import CACHE_VARIABLE
from fewshot_metalstm.encoders.training import same_encoder
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingCell, run_cell
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel, load_model
from fewshot_metalstm.kinds.tagging.training.metatrain import meta_train
from fewshot_metalstm.kinds.tagging.training.recipe import check
from fewshot_metalstm.kinds.tagging.training.supervised import TaggerTrainConfig, TaggingTraining
from fewshot_metalstm.kinds.translation.model import TranslationModel, new_translator, save_model
from fewshot_metalstm.meta.outcome import Progress
from tests.cli.builders import TINY, refused, run_json, settings
from tests.encoders.fakes import REFERENCE
from tests.kinds.tagging.adapt.needed import tiny_bert
from tests.kinds.tagging.tagger.builders import CONFIG, TARGET, model, suite
from tests.kinds.tagging.tagger.test_context import CONFIG as SIZES
from tests.kinds.translation.builders import SMALL, subwords

SHORT = [*(each for each in TINY if each.startswith("tagger.")), "train.epochs=1"]
CPU = torch.device("cpu")


class Phases(Progress):
    """Notes the phases."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def phase(self, name: str, total: int, done: int = 0) -> None:
        self.seen.append(name)

    def advance(self, done: int, figures: object) -> None:
        pass

    def note(self, text: str) -> None:
        pass


def adapted(made: TaggerModel, place: Path) -> list[str]:
    """Adapt a checkpoint to some sentences; the command that tags a text with what comes of it."""
    cell = TaggingCell(
        "fomaml", 0, 0, tuple(range(8)), "all", AdaptConfig(epochs=1, min_steps=2),
        save=place / "tagger",
    )  # fmt: skip
    assert run_cell(cell, made, TARGET, made.table()).score is not None
    (place / "notes.txt").write_text("We saw gene1-0 in mice.\n")
    return ["predict", str(place / "tagger"), str(place / "notes.txt"), "--json"]


def test_from_meta_training_to_tagged_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    folder = tiny_bert(tmp_path / "tiny")
    vectors = replace(CONFIG.vectors, encoder=str(folder))
    config = replace(CONFIG, vectors=vectors)
    phases = Phases()
    meta_train(config, suite(), tmp_path / "run", device=CPU, progress=phases)
    assert phases.seen[:2] == ["word vectors", "features of the encoder"]
    made = load_model(tmp_path / "run" / "checkpoint")
    assert made.encoder is not None
    assert made.learner.config.context == made.encoder.size == 32
    phases = Phases()
    meta_train(config, suite(), tmp_path / "again", device=CPU, progress=phases)
    assert "features of the encoder" not in phases.seen, "they are kept"

    command = adapted(made, tmp_path)
    assert main(command) == 0
    folder.rename(tmp_path / "moved")
    assert main(command) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "error: the model needs the encoder" in told
    monkeypatch.setenv("FEWSHOT_METALSTM_ENCODER", str(tmp_path / "moved"))
    assert main(command) == 0


def test_with_pieces_the_encoder_is_needed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny_bert(tmp_path / "tiny")
    vectors = replace(CONFIG.vectors, pieces=str(folder), pieces_size=5)
    phases = Phases()
    meta_train(
        replace(CONFIG, vectors=vectors), suite(), tmp_path / "run", device=CPU, progress=phases
    )
    assert phases.seen[:2] == ["pieces of the encoder", "word vectors"]
    monkeypatch.setitem(sys.modules, "transformers", None)
    shutil.rmtree(folder)
    made = load_model(tmp_path / "run" / "checkpoint")
    assert made.encoder is None
    assert made.vectors.size == CONFIG.vectors.size + 5
    assert main(adapted(made, tmp_path)) == 0


def test_pieces_are_for_new_vectors() -> None:
    vectors = replace(CONFIG.vectors, pieces="models/fake")
    with pytest.raises(UserError, match=r"vectors\.pieces is for new word vectors, and start has"):
        check(replace(CONFIG, vectors=vectors, start="start"))


def test_from_supervised_training_to_tagged_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, "transformers", None)
    own = subwords()
    translator = TranslationModel(new_translator(SMALL, len(own), 0), own)
    save_model(translator, tmp_path / "run" / "checkpoint")
    (tmp_path / "v.txt").write_text("saw 1 0 0\nmice 0 1 0\n")
    (tmp_path / "my.conll").write_text(6 * "We O\nsaw O\nmice B-Species\n. O\n\n")
    arguments = ["train", "--task", str(tmp_path / "my.conll"), "--output", str(tmp_path / "out"),
                 "--no-tracking", *settings(SHORT), "--set", f"vectors.file={tmp_path}/v.txt",
                 "--set", f"vectors.encoder={tmp_path}/run"]  # fmt: skip
    assert run_json(arguments, capsys)["epoch"] == 1
    made = load_model(tmp_path / "out" / "tagger")
    assert made.encoder is not None
    assert (made.encoder.kind, made.encoder.size) == ("translation", 8)
    (tmp_path / "notes.txt").write_text("We saw mice.\n")
    command = ["predict", str(tmp_path / "out" / "tagger"), str(tmp_path / "notes.txt")]
    assert main(command) == 0
    (tmp_path / "run").rename(tmp_path / "moved")
    assert "the model needs the encoder" in refused(command, capsys)
    monkeypatch.setenv("FEWSHOT_METALSTM_ENCODER", str(tmp_path / "moved"))
    assert main(command) == 0


def test_a_start_brings_its_encoder_or_none() -> None:
    with pytest.raises(UserError, match=r"tagger\.context is what vectors\.encoder gives"):
        check(replace(CONFIG, tagger=SIZES))
    with pytest.raises(UserError, match=r"tagger\.context is what vectors\.encoder gives"):
        TaggingTraining(TaggerTrainConfig(tagger=SIZES), [TARGET])


def test_another_encoder_than_the_starts_is_refused() -> None:

    read = replace(model(), encoder=REFERENCE)
    same_encoder(None, read, "start")
    same_encoder(REFERENCE, read, "start")
    other = replace(REFERENCE, sha256="0" * 64)
    with pytest.raises(UserError, match=r"start reads with the encoder models/fake, not with"):
        same_encoder(other, read, "start")
    with pytest.raises(UserError, match=r"start reads with no encoder, not with models/fake"):
        same_encoder(REFERENCE, model(), "start")
