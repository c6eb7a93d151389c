"""A classifier that reads an encoder's features beside its word vectors."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.data.locate import CACHE_VARIABLE
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.classification.encoding import Batch, TextTable
from fewshot_metalstm.kinds.classification.model import (
    ClassifierModel,
    load_model,
    new_checkpoint,
    save_model,
)
from fewshot_metalstm.kinds.classification.reviews import CLASSES
from fewshot_metalstm.kinds.classification.serving.pyfunc import serving
from fewshot_metalstm.kinds.classification.settings import ClassificationTrainConfig, check
from fewshot_metalstm.kinds.translation import model as translation
from tests.cli.builders import refused, run_json, settings
from tests.encoders.fakes import REFERENCE, FakeEncoder
from tests.kinds.classification.builders import (
    QUICK,
    SMALL,
    TINY,
    checkpoint,
    own_table,
    texts,
    write_csv,
)
from tests.kinds.translation import builders as translators


def model() -> ClassifierModel:
    """The small checkpoint, which reads with an encoder besides."""
    plain, config = checkpoint(), replace(SMALL, context_size=4)
    return new_checkpoint(config, plain.vectors, plain.alphabet, CLASSES, 0, REFERENCE)


def batch(made: ClassifierModel, number: int = 6) -> Batch:
    found, labels = texts(number, 0)
    table = TextTable(made.vectors, made.alphabet, SMALL.longest, FakeEncoder())
    longer = [f"{text} and more of it" if i % 3 else text for i, text in enumerate(found)]
    return table.batch(table.encode(longer, labels, 2))


def test_without_a_map_it_is_the_classifier_without_an_encoder() -> None:
    made, plain = model().learner, checkpoint().learner
    inputs = plain.lstm.inputs
    with torch.no_grad():
        for name, value in plain.named_parameters():
            weights = made.get_parameter(name)
            value.copy_(weights if weights.shape == value.shape else weights[:, :inputs])
        made.context_weight.zero_()
    given = batch(model())
    ours = made.scores(given)
    torch.testing.assert_close(ours, plain.scores(given))
    made.context_weight.data.fill_(0.5)
    assert not torch.equal(made.scores(given), ours)
    with pytest.raises(ValueError, match="no features of the encoder"):
        made.scores(replace(given, context=None))
    assert made.features() == ("context_weight",)
    assert plain.features() == ()


@pytest.mark.parametrize("size", [1, 4])
def test_texts_do_not_depend_on_their_company(size: int) -> None:
    made = model()
    given = batch(made)
    apart = torch.cat([made.learner.scores(piece) for piece in given.pieces(size)])
    torch.testing.assert_close(made.learner.scores(given), apart)


def test_its_name_and_digest_are_kept(tmp_path: Path) -> None:
    made = model()
    save_model(made, tmp_path / "read")
    again = load_model(tmp_path / "read")
    assert again.encoder == REFERENCE
    assert again.learner.config == made.learner.config
    assert list(serving().model_needs(tmp_path / "read")) == ["transformers"]
    save_model(checkpoint(), tmp_path / "plain")
    assert "context" not in (tmp_path / "plain" / "config.json").read_text()
    assert list(serving().model_needs(tmp_path / "plain")) == []
    with pytest.raises(UserError, match=r"classifier\.context is what vectors\.encoder gives"):
        check(ClassificationTrainConfig(classifier=replace(SMALL, context=6)))


def test_meta_training_with_an_encoder_and_from_a_checkpoint_that_has_one(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del world
    monkeypatch.chdir(tmp_path)
    own = translators.subwords()
    learner = translation.new_translator(translators.SMALL, len(own), 0)
    translation.save_model(translation.TranslationModel(learner, own), Path("run/checkpoint"))
    common = ["meta-train", "--tasks", "reviews-fold-0", "--no-tracking", "--workers", "1",
              *settings(TINY)]  # fmt: skip
    read = ["--set", "vectors.encoder=run"]
    run_json([*common, *read, "--algorithm", "joint", "--output", "joint"], capsys)
    run_json([*common, "--start", "joint", "--output", "outer"], capsys)
    first, second = (load_model(Path(name, "checkpoint")) for name in ("joint", "outer"))
    assert first.encoder is not None
    assert second.encoder == first.encoder
    plain = [*common, "--algorithm", "joint", "--output", "plain"]
    run_json(plain, capsys)
    line = refused([*common, *read, "--start", "plain", "--output", "no"], capsys)
    assert "reads with no encoder, not with run" in line


def test_from_training_to_labels_with_a_translators_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.chdir(tmp_path)
    own = translators.subwords()
    learner = translation.new_translator(translators.SMALL, len(own), 0)
    translation.save_model(translation.TranslationModel(learner, own), Path("run/checkpoint"))
    for name in ("one", "two"):
        own_table(Path(f"{name}.csv"), 16, len(name))
    tiny = settings([each for each in TINY if each.startswith(("classifier.", "vectors."))])
    command = ["train", "--task", "one.csv", "--task", "two.csv", "--output", "out",
               "--epochs", "1", "--no-tracking", *tiny, "--set", "vectors.encoder=run"]  # fmt: skip
    run_json(command, capsys)
    made = load_model(Path("out/checkpoint"))
    assert made.encoder is not None
    assert (made.encoder.kind, made.encoder.size) == ("translation", 8)
    assert (tmp_path / "cache" / "features" / made.encoder.sha256[:32]).is_dir()
    own_table(Path("mine.csv"), 12, 9)
    run_json(["adapt", "--checkpoint", "out/checkpoint", "--train", "mine.csv", "--shots", "2",
              "--output", "mine", "--no-tracking", *settings(QUICK)], capsys)  # fmt: skip
    run_json(["train", "--task", "mine.csv", "--start", "out/checkpoint", "--output", "on",
              "--epochs", "1", "--no-tracking"], capsys)  # fmt: skip
    assert load_model(Path("on/classifier")).encoder == made.encoder
    write_csv(Path("new.csv"), [("text",), ("this lamp is fine .",)])
    predict = ["predict", "mine", "new.csv", "--json"]
    assert main(predict) == 0
    Path("run").rename("moved")
    capsys.readouterr()
    assert "the model needs the encoder" in refused(predict, capsys)
    monkeypatch.setenv("FEWSHOT_METALSTM_ENCODER", "moved")
    assert main(predict) == 0
