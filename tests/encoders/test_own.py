"""Models of this package as encoders: found in folders and runs, told apart, asked for."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fewshot_metalstm.encoders.own import encoding_kinds, open_own
from fewshot_metalstm.encoders.reference import VARIABLE, read_reference, refer
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.language_model.model import StoredModel, new_model, save_model
from fewshot_metalstm.kinds.tagging.tagger import model as tagging
from tests.kinds.language_model.builders import SMALL
from tests.kinds.tagging.tagger.builders import model


@pytest.fixture(autouse=True)
def _no_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of these needs the package."""
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.delenv(VARIABLE, raising=False)


def language_model(folder: Path, seed: int = 0, kind: str = "checkpoint") -> Path:
    save_model(StoredModel(new_model(SMALL, seed), kind), folder)
    return folder


def test_it_is_found_in_its_folder_or_in_a_run(tmp_path: Path) -> None:
    assert encoding_kinds() == ["language-model", "translation"]
    language_model(tmp_path / "run" / "checkpoint")
    language_model(tmp_path / "trained" / "language-model", kind="language-model")
    found = refer(str(tmp_path / "run"))
    assert (found.name, found.size) == (str(tmp_path / "run"), 8)
    assert found.kind == "language-model"
    assert found.sha256 == refer(str(tmp_path / "run" / "checkpoint")).sha256
    assert found.opened().folder == (tmp_path / "run" / "checkpoint").resolve()
    assert refer(str(tmp_path / "trained")).sha256 != found.sha256
    assert read_reference(json.loads(json.dumps(vars(found)))) == found
    assert read_reference({"name": "x", "sha256": "0", "size": 3}).kind == "", "before there were"
    assert open_own(str(tmp_path)) is None
    assert open_own(str(tmp_path / "none")) is None


def test_where_it_has_moved_or_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = language_model(tmp_path / "model")
    found = refer(str(folder))
    moved = folder.rename(tmp_path / "moved")
    with pytest.raises(UserError, match=r"needs the encoder .*model with SHA-256 \w{16}, which"):
        found.opened()
    monkeypatch.setenv(VARIABLE, str(moved))
    assert found.opened().folder == moved.resolve()
    language_model(tmp_path / "other", seed=1)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "other"))
    with pytest.raises(UserError, match=rf"other: is another encoder .*; give .* {VARIABLE}="):
        found.opened()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    with pytest.raises(UserError, match=rf"{VARIABLE}=.*none: no model of the kind language-model"):
        found.opened()


def test_changed_weights(tmp_path: Path) -> None:
    folder = language_model(tmp_path / "model")
    found = refer(str(folder))
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(UserError, match="model: is another encoder"):
        found.opened()
    with pytest.raises(UserError, match=r"model\.safetensors: is damaged"):
        refer(str(folder)).opened().features([("a",)])
    weights.unlink()
    with pytest.raises(UserError, match="model: is another encoder"):
        found.opened()


def test_what_is_no_encoder(tmp_path: Path) -> None:
    tagging.save_model(model(), tmp_path / "tagger")
    with pytest.raises(UserError, match=r"is a model of the kind tagging, which gives no") as wrong:
        refer(str(tmp_path / "tagger"))
    assert "language-model or translation" in str(wrong.value)
    with pytest.raises(UserError, match="=nowhere: no model of the kind language-model or") as no:
        refer("nowhere")
    assert "pip install 'fewshot-metalstm[contextual]'" in str(no.value)
    assert "\n" not in str(no.value)
    folder = language_model(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "about": {"suite": "x"}}))
    with pytest.raises(UserError, match=r"config\.json: is damaged or was changed"):
        refer(str(folder))
    found = refer(str(language_model(tmp_path / "whole")))
    with pytest.raises(UserError, match="needs the encoder nowhere"):
        replace(found, name="nowhere").opened()
