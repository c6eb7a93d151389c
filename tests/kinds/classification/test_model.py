"""Classifiers in folders."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.data.digests import sealed
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.classification.model import (
    CLASSIFIER,
    PIECES_VERSION,
    load_model,
    new_checkpoint,
    save_model,
)
from fewshot_metalstm.kinds.classification.predictor import Predictor
from fewshot_metalstm.kinds.classification.shipping import pack
from fewshot_metalstm.kinds.stored import CHECKPOINT
from fewshot_metalstm.nn.stored_rows import Quantised
from fewshot_metalstm.pretrained import CARD
from tests.kinds.classification.builders import SMALL, checkpoint, classifier, vectors
from tests.nn.test_pieces import pieces

CPU = torch.device("cpu")


def test_models_come_back_as_they_were(tmp_path: Path) -> None:
    for made in (checkpoint(), checkpoint(classes=()), classifier()):
        save_model(made, tmp_path / "model")
        back = load_model(tmp_path / "model", made.kind)
        assert (back.classes, back.kind, back.about) == (made.classes, made.kind, made.about)
        assert back.learner.recall == made.learner.recall
        for name, value in made.learner.named_parameters():
            torch.testing.assert_close(back.learner.get_parameter(name), value)
        assert back.vectors.lookup(["lovely", "unheard"]).tolist() == made.vectors.lookup(
            ["lovely", "unheard"]
        ).tolist()  # fmt: skip


def test_pieces_come_back_too(tmp_path: Path) -> None:
    known = replace(vectors(), pieces=pieces())
    made = new_checkpoint(SMALL, known, tuple("abcdefg"), (), 0)
    save_model(made, tmp_path / "model")
    words = ["lovely", "unheard"]
    back = load_model(tmp_path / "model", CHECKPOINT)
    assert back.vectors.lookup(words).tolist() == known.lookup(words).tolist()
    assert back.vectors.size == 10
    config = json.loads((tmp_path / "model" / "config.json").read_text("utf-8"))
    assert config["format_version"] == PIECES_VERSION
    pack(tmp_path / "model", tmp_path / "small", results=None, limit=15)
    assert "(a test's). That encoder" in (tmp_path / "small" / CARD).read_text("utf-8")
    packed = load_model(tmp_path / "small", CHECKPOINT)
    assert packed.vectors.pieces is not None
    assert isinstance(packed.vectors.pieces.matrix, Quantised)


def test_another_role_or_kind_is_refused(tmp_path: Path) -> None:
    save_model(checkpoint(), tmp_path)
    with pytest.raises(UserError, match="is a checkpoint, not a classifier; give a classifier"):
        load_model(tmp_path, CLASSIFIER)
    from fewshot_metalstm.kinds.tagging.tagger.model import load_model as load_tagger

    with pytest.raises(UserError, match="of the kind classification, not tagging"):
        load_tagger(tmp_path)


@pytest.mark.parametrize(("key", "value"), [
    ("classes", ["a"]), ("classes", [1, 2]), ("kind", "thing"),
    ("classifier", {"lstm": {"hidden": 10**9}}), ("vectors", {"source": "", "subwords": None}),
])  # fmt: skip
def test_what_does_not_fit_is_refused(tmp_path: Path, key: str, value: object) -> None:
    save_model(checkpoint(), tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(sealed({**config, key: value})), "utf-8")
    with pytest.raises(UserError, match=r"does not fit|head|unknown") as caught:
        load_model(tmp_path, None if key == "kind" else CHECKPOINT)
    assert "\n" not in str(caught.value)


def test_readings_have_probabilities_and_weights(tmp_path: Path) -> None:
    save_model(classifier(("a", "b", "c")), tmp_path)
    predictor = Predictor(tmp_path, CPU)
    long = "word " * 30
    found = predictor.read(["a lovely book", "", long])
    assert sum(found[0].probabilities) == pytest.approx(1, abs=1e-5)
    assert found[0].name == "abc"[found[0].probabilities.index(found[0].probability)]
    assert ([len(r.tokens) for r in found], [r.cut for r in found]) == (
        [3, 0, 12], [False, False, True]
    )  # fmt: skip
    assert sum(found[2].weights) == pytest.approx(1, abs=1e-5)
    assert found[1].probabilities == pytest.approx([1 / 3] * 3)
    assert found[2].tokens[6] == (5 * 24, 5 * 24 + 4)  # the first of the last half
    assert predictor.read(["a lovely book"]) == [found[0]]
