"""Pretrained encoders: finding them, their digests, loading them with a new head."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.encoders import hugging_face
from fewshot_metalstm.encoders.hugging_face import (
    LONGEST,
    digests,
    find_encoder,
    load_encoder,
    name_of,
    weights_digest,
)
from fewshot_metalstm.errors import UserError
from tests.kinds.tagging.adapt.needed import tiny_bert, transformers_or_skip

LABELS = ("O", "B-X", "I-X", "E-X", "S-X")


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("models") / "tiny")


def test_digests_are_those_of_the_files(tmp_path: Path) -> None:
    for name in ("config.json", "vocab.txt", "README.md", "model.safetensors"):
        (tmp_path / name).write_text(name)
    expected = {
        name: hashlib.sha256(name.encode()).hexdigest()
        for name in ("config.json", "model.safetensors", "vocab.txt")
    }
    assert digests(tmp_path) == expected
    assert weights_digest(tmp_path) == expected["model.safetensors"]
    (tmp_path / "pytorch_model.bin").write_text("not what is taken")
    assert digests(tmp_path) == expected
    (tmp_path / "model.safetensors").write_text("another")
    assert weights_digest(tmp_path) == hashlib.sha256(b"another").hexdigest()
    (tmp_path / "model-2.safetensors").write_text("of several")
    assert weights_digest(tmp_path) not in digests(tmp_path).values()
    assert len(digests(tmp_path)) == 4


def test_what_a_model_is_called(tmp_path: Path) -> None:
    assert name_of(tmp_path / "mine") == "mine"
    assert name_of(tmp_path / "models--org--name" / "snapshots" / "abc") == "org/name@abc"


def test_the_head_is_new_and_the_rest_is_the_models(bert: Path, tmp_path: Path) -> None:
    tagger = tiny_bert(tmp_path / "tagger", labels=[f"L{i}" for i in range(len(LABELS))])
    encoder = {}
    for folder in (bert, tagger):
        heads = []
        for seed in (1, 1, 2):
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                held = load_encoder(folder, LABELS)
            heads.append(held.model.classifier.weight.detach().clone())
            assert torch.count_nonzero(held.model.classifier.bias) == 0
        assert torch.equal(heads[0], heads[1])
        assert not torch.equal(heads[0], heads[2]), "a head that the model has is not taken"
        assert heads[0].std() < 0.03
        encoder[folder] = held.model.base_model.state_dict()
        assert held.parameters == sum(p.numel() for p in held.model.parameters())
        assert held.model.config.id2label == dict(enumerate(LABELS))
    saved = transformers_or_skip().BertModel.from_pretrained(bert).state_dict()
    assert all(torch.equal(saved[name], value) for name, value in encoder[bert].items())


def test_half_precision_is_read_as_single(bert: Path, tmp_path: Path) -> None:
    transformers = transformers_or_skip()
    shutil.copytree(bert, tmp_path / "half")
    transformers.BertModel.from_pretrained(bert).half().save_pretrained(tmp_path / "half")
    held = load_encoder(tmp_path / "half", LABELS)
    assert {p.dtype for p in held.model.parameters()} == {torch.float32}


def test_how_much_is_read_at_once(bert: Path, tmp_path: Path) -> None:
    transformers = transformers_or_skip()
    assert load_encoder(bert, LABELS).longest == 64
    # RoBERTa's positions begin behind the padding's; some models have no table of them.
    sizes = {
        "vocab_size": 200, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 16, "max_position_embeddings": 66,
    }  # fmt: skip
    for name, longest in (("Roberta", 64), ("RoFormer", LONGEST)):
        config = getattr(transformers, f"{name}Config")(pad_token_id=1, **sizes)
        model = getattr(transformers, f"{name}ForTokenClassification")(config)
        tokenizer = load_encoder(bert, LABELS).tokenizer
        assert hugging_face._longest(model, tokenizer) == longest


def test_what_is_loaded_quietly(bert: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_encoder(bert, LABELS)
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""


def test_what_is_no_model(bert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "some"
    folder.mkdir()
    for model, line in (
        ("", "names no model; --set transformer.model=FOLDER"),
        (str(tmp_path / "none"), r"none: no such folder, and the local cache of Hugging Face"),
        ("nobody/nothing", r"nobody/nothing: no such folder, .*\(nothing is downloaded\)"),
        (str(folder), "some: holds no model"),
    ):
        with pytest.raises(UserError, match=line) as error:
            find_encoder(model)
        assert "\n" not in str(error.value)
    shutil.copy(bert / "config.json", folder)
    with pytest.raises(UserError, match="some: holds no weights"):
        find_encoder(str(folder))
    (folder / "model.safetensors").write_bytes(b"damaged")
    for file in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copy(bert / file, folder)
    assert find_encoder(str(folder)) == folder
    with pytest.raises(UserError, match="some: cannot be loaded as an encoder") as error:
        load_encoder(folder, LABELS)
    assert "\n" not in str(error.value)


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UserError, match=r"pip install 'fewshot-metalstm\[transformers\]'") as error:
        find_encoder(str(tmp_path))
    assert "\n" not in str(error.value)
