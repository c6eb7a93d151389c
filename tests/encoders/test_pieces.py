"""Vectors of an encoder's pieces."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from fewshot_metalstm.data.locate import CACHE_VARIABLE
from fewshot_metalstm.encoders import pieces
from fewshot_metalstm.encoders.hugging_face import load_bare
from fewshot_metalstm.encoders.pieces import check_pieces, read_pieces
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.nn.pieces import INSIDE, LONGEST
from tests.encoders.test_training import Phases
from tests.kinds.tagging.adapt.needed import VOCABULARY, tiny_bert


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("models") / "tiny")


def test_each_piece_is_read_alone(folder: Path) -> None:
    phases = Phases()
    made = read_pieces(str(folder), 32, phases)
    assert made.pieces == tuple(VOCABULARY)
    assert (made.unknown, made.lower) == (1, False)
    assert made.source.startswith("tiny, weights ")
    assert phases.seen == [("pieces of the encoder", len(VOCABULARY))]
    assert phases.done == [len(VOCABULARY)]

    rows = torch.tensor(made.matrix[:]).double()
    check_angles(rows, load_bare(folder).model)
    np.testing.assert_allclose((rows**2).mean(1), 1, atol=0.01)


def check_angles(rows: torch.Tensor, model: Any) -> None:
    """All components are kept, so that angles are those of what the encoder's layer has."""
    ids = torch.tensor([[2, i, 3] for i in range(len(VOCABULARY))])
    with torch.no_grad():
        states = model(input_ids=ids).last_hidden_state[:, 1].double()
    centred = states - states.mean(0)
    cosine = torch.nn.functional.cosine_similarity
    one, other = cosine(rows[:-1], rows[1:]), cosine(centred[:-1], centred[1:])
    torch.testing.assert_close(one, other, atol=0.02, rtol=0)


def test_embeddings_are_no_layer_of_an_encoder_with_few(folder: Path, tmp_path: Path) -> None:
    model = load_bare(folder).model
    with torch.no_grad():
        for weights in model.encoder.parameters():
            weights.mul_(20)  # so that the layer changes what comes to it
    shutil.copytree(folder, tmp_path / "strong")
    model.save_pretrained(tmp_path / "strong")
    made = read_pieces(str(tmp_path / "strong"), 32, Progress())
    check_angles(torch.tensor(made.matrix[:]).double(), model)


def test_fewer_numbers_are_the_first_components(folder: Path) -> None:
    whole, some = (read_pieces(str(folder), size, Progress()).matrix[:] for size in (32, 5))
    assert some.shape == (len(VOCABULARY), 5)
    part = whole[:, :5] / np.sqrt((whole[:, :5] ** 2).mean(1, keepdims=True))
    np.testing.assert_allclose(some, part, atol=0.1)


def test_the_table_is_kept_for_the_next_run(folder: Path, cache: Path) -> None:
    first = read_pieces(str(folder), 4, Progress())
    (kept,) = (cache / "pieces").iterdir()
    again, phases = kept.read_bytes(), Phases()
    second = read_pieces(str(folder), 4, phases)
    assert phases.seen == []
    assert (second.pieces, second.source) == (first.pieces, first.source)
    np.testing.assert_array_equal(second.matrix[:], first.matrix[:])
    for damaged in (b"", again[:100], again.replace(b"codes", b"cades")):
        kept.write_bytes(damaged)
        np.testing.assert_array_equal(
            read_pieces(str(folder), 4, Progress()).matrix[:], first.matrix[:]
        )
        with np.load(kept) as stored:
            assert stored["codes"].shape == (len(VOCABULARY), 4)


def test_a_cache_that_cannot_be_written_to(folder: Path, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    assert read_pieces(str(folder), 4, Progress()).size == 4


def test_words_are_cut_as_the_encoder_cuts_them(folder: Path) -> None:
    made = read_pieces(str(folder), 4, Progress())
    tokenizer = load_bare(folder).tokenizer
    for word in ("Mice", "p53-null", "\u03b1", "IL-2(a)", "~"):
        assert made.cut(word) == tokenizer(word, add_special_tokens=False)["input_ids"]


def test_what_cannot_be_read(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="pieces_size is 33, and tiny gives a piece 32 numbers"):
        read_pieces(str(folder), 33, Progress())
    other = tiny_bert(tmp_path / "other")
    config = other / "tokenizer_config.json"
    # Now its file says how words are cut, and that is at blanks alone.
    config.write_text(config.read_text().replace("BertTokenizerFast", "PreTrainedTokenizerFast"))
    with pytest.raises(UserError, match="other: cuts words otherwise than into BERT's pieces"):
        read_pieces(str(other), 4, Progress())
    bare = tiny_bert(tmp_path / "bare")
    for name in ("tokenizer.json", "vocab.txt", "tokenizer_config.json"):
        (bare / name).unlink()
    with pytest.raises(UserError, match=r"bare: has no tokenizer \(tokenizer\.json or"):
        check_pieces(str(bare), 4)
    more = tiny_bert(tmp_path / "more")
    told = json.loads((more / "tokenizer.json").read_text())
    told["model"]["vocab"]["mouse"] = len(VOCABULARY)
    (more / "tokenizer.json").write_text(json.dumps(told))
    with pytest.raises(UserError, match="has 193 pieces in its tokenizer and 192 in its weights"):
        check_pieces(str(more), 4)
    with pytest.raises(UserError, match=r"vectors\.pieces=nowhere: no such folder"):
        read_pieces("nowhere", 4, Progress())


def test_an_unknown_piece_outside_of_the_vocabulary_is_not_taken() -> None:
    model = {
        "type": "WordPiece", "continuing_subword_prefix": INSIDE,
        "max_input_chars_per_word": LONGEST, "vocab": {"a": 0, "b": 1},
    }  # fmt: skip
    clean = {
        "type": "BertNormalizer", "lowercase": True, "clean_text": True,
        "handle_chinese_chars": True, "strip_accents": None,
    }  # fmt: skip

    def cutting(unknown: str) -> object:
        told = {
            "model": {**model, "unk_token": unknown}, "normalizer": clean,
            "pre_tokenizer": {"type": "BertPreTokenizer"},
        }  # fmt: skip
        backend = SimpleNamespace(to_str=lambda: json.dumps(told))
        return pieces._cutting(SimpleNamespace(backend_tokenizer=backend))

    assert cutting("b") == (("a", "b"), 1, True)
    assert cutting("[UNK]") is None
