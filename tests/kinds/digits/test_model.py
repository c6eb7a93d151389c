"""Readers in folders: what is written comes back, what is damaged is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.data.digests import SEAL, sealed
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.model import (
    READER,
    ReaderModel,
    adapted_reader,
    load_model,
    load_prepared,
    new_reader,
    save_model,
)
from fewshot_metalstm.kinds.stored import CHECKPOINT
from fewshot_metalstm.meta.protonet import ProtoNet, learned_scale
from tests.kinds.digits.builders import SMALL, scaling


def model(kind: str = READER) -> ReaderModel:
    """A small model."""
    classes = tuple("6789") if kind == READER else ()
    learner = new_reader(SMALL, 3, len(classes) or 1)
    return ReaderModel(learner, scaling(), classes, kind, {"target": "digits-6789"})


@pytest.mark.parametrize("kind", [READER, CHECKPOINT])
def test_what_is_written_comes_back(kind: str, tmp_path: Path) -> None:
    made = model(kind)
    save_model(made, tmp_path / "m")
    found = load_model(tmp_path / "m", kind)
    assert (found.classes, found.kind, found.about, found.scaling) == (
        made.classes, kind, made.about, made.scaling,
    )  # fmt: skip
    for (name, value), other in zip(
        found.learner.named_parameters(), made.learner.parameters(), strict=True
    ):
        assert torch.equal(value, other), name
    other_kind = CHECKPOINT if kind == READER else READER
    with pytest.raises(UserError, match=f"is a {kind}, not a {other_kind}"):
        load_model(tmp_path / "m", other_kind)


def test_what_a_meta_learner_learned_is_in_a_checkpoint_and_not_in_a_reader(
    tmp_path: Path,
) -> None:
    made = model(CHECKPOINT)
    ProtoNet().prepare(made.learner)
    made.learner.inner.log_scale.data.fill_(0.5)  # type: ignore[union-attr, operator]
    recipe = {"algorithm": "protonet"}
    save_model(ReaderModel(made.learner, made.scaling, about={"recipe": recipe}), tmp_path / "c")
    found = load_prepared(tmp_path / "c", CHECKPOINT)
    assert learned_scale(found.learner) == pytest.approx(float(torch.tensor(0.5).exp()))
    adapted = adapted_reader(found.learner, dict(found.learner.named_parameters()))
    assert learned_scale(adapted) is None


def edit(folder: Path, **changes: object) -> None:
    """Change fields of a model's config."""
    path = folder / "config.json"
    path.write_text(json.dumps(sealed(json.loads(path.read_text()) | changes)))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"format": "other"}, "was not written by fewshot-metalstm"),
        ({"format_version": 99}, "newer than"),
        ({"task_kind": "tagging"}, "is a model of the kind tagging"),
        ({"classes": None}, "classes is missing or ill-formed"),
        ({"classes": ["1", "2"]}, "does not fit the weights"),
        ({"scaling": {"mean": 0.0, "deviation": 0.0}}, "does not fit the weights"),
        ({"reader": {"lstm": {"hidden": 10**9}}}, "does not fit the weights"),
        ({"reader": {"unknown": 1}}, "does not fit the weights"),
    ],
)
def test_a_damaged_config_is_refused(
    changes: dict[str, object], problem: str, tmp_path: Path
) -> None:
    save_model(model(), tmp_path / "m")
    edit(tmp_path / "m", **changes)
    with pytest.raises(UserError, match=problem):
        load_model(tmp_path / "m")


def test_a_config_that_was_changed_is_refused(tmp_path: Path) -> None:
    save_model(model(), tmp_path / "m")
    path = tmp_path / "m" / "config.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"about": {"turn": 1}}))
    with pytest.raises(UserError, match=r"config\.json: is damaged or was changed \(its digest"):
        load_model(tmp_path / "m")
    content.pop(SEAL)  # as earlier versions wrote it
    path.write_text(json.dumps(content))
    assert load_model(tmp_path / "m").about == content["about"]


def test_absent_and_damaged_weights_are_refused(tmp_path: Path) -> None:
    save_model(model(), tmp_path / "m")
    weights = tmp_path / "m" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(UserError, match="its SHA-256 differs"):
        load_model(tmp_path / "m")
    weights.unlink()
    with pytest.raises(UserError, match="is missing"):
        load_model(tmp_path / "m")
    with pytest.raises(UserError, match="holds no model"):
        load_model(tmp_path / "absent")
