"""Saved taggers: the same predictions after loading, and one line for what is no tagger."""

from __future__ import annotations

import json
import resource
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from fewshot_metalstm.data.digests import SEAL, sealed, sha256
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.shipping.pack import smaller
from fewshot_metalstm.kinds.tagging.tagger.decode import tag
from fewshot_metalstm.kinds.tagging.tagger.heads import source_heads
from fewshot_metalstm.kinds.tagging.tagger.model import (
    CHECKPOINT,
    FORMAT_VERSION,
    TAGGER,
    TaggerModel,
    load_model,
    new_tagger,
    read_config,
    save_model,
)
from fewshot_metalstm.nn.stored_rows import Quantised
from tests.kinds.tagging.tagger import builders
from tests.kinds.tagging.tagger.builders import digests, encoded, model, own, same, sentences

HEADS = source_heads(
    {"a": {n: p for n, p in own(model(2).learner).items() if "head_" in n}}, {"a": ("P", "Q")}
)
TEXT = sentences(10, ("T0", "T1"), 3)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    folder = tmp_path / "saved"
    save_model(model(2, TAGGER), folder)
    return folder


def mend(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(sealed({**json.loads(path.read_text()), **changes})))


@pytest.mark.parametrize("subwords", [True, False])
@pytest.mark.parametrize(("types", "kind"), [(1, CHECKPOINT), (2, TAGGER)])
def test_round_trip(tmp_path: Path, types: int, kind: str, subwords: bool) -> None:
    made = model(types, kind, subwords=subwords)
    save_model(made, tmp_path / "m")
    read = load_model(tmp_path / "m", kind)
    assert (read.types, read.kind, read.about) == (made.types, made.kind, made.about)
    assert read.learner.config == made.learner.config
    assert same(own(read.learner), own(made.learner))
    assert (read.alphabet, read.vectors.words) == (made.alphabet, made.vectors.words)
    assert read.vectors.source == "random"
    assert (read.vectors.subwords is None) != subwords
    types_ = ("T0", "T1")[: max(types, 1)]
    text = sentences(10, types_, 3)
    first, second = (encoded(m.table(), text, types_) for m in (made, read))
    assert torch.equal(made.learner.emissions(first), read.learner.emissions(second))
    tokens = [s.tokens for s in text]
    assert tag(made.learner, own(made.learner), made.table(), tokens, types_) == tag(
        read.learner, own(read.learner), read.table(), tokens, types_
    )


def test_saving_twice_gives_the_same_bytes_and_no_pickle(saved: Path) -> None:
    before = digests(saved)
    save_model(load_model(saved), saved)
    assert digests(saved) == before
    assert sorted(before) == ["config.json", "model.safetensors", "vocabulary.json"]
    assert all(f.read_bytes()[:2] not in (b"\x80\x02", b"PK") for f in saved.iterdir())
    assert [f.name for f in saved.parent.iterdir()] == [saved.name]
    config = json.loads((saved / "config.json").read_text())
    assert config["tags"] == ["O", *(f"{k}-T{t}" for t in (0, 1) for k in "BIES")]
    assert config["format_version"] == 1, "an older version can read it"
    stored = safetensors.torch.load_file(saved / "model.safetensors")
    assert stored["vectors.matrix"].dtype == torch.float16


def test_loading_needs_nothing_else_and_works_from_a_copy(saved: Path, tmp_path: Path) -> None:
    expected = own(load_model(saved).learner)
    moved = tmp_path / "elsewhere" / "copy"
    shutil.copytree(saved, moved)
    shutil.rmtree(saved)
    assert same(own(load_model(moved, TAGGER).learner), expected)


def test_an_older_model_is_replaced_and_a_folder_of_other_files_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    save_model(model(1), folder)
    save_model(model(2, TAGGER), folder)
    assert read_config(folder)["kind"] == TAGGER
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.tex").write_text("years of work")
    with pytest.raises(UserError, match="thesis: holds other files"):
        save_model(model(), other)
    assert [f.name for f in other.iterdir()] == ["chapter.tex"]
    assert sorted(f.name for f in tmp_path.iterdir()) == ["m", "thesis"]


def test_a_save_that_fails_leaves_the_model_before(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests(saved)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(UserError, match="no space left on device"):
        save_model(model(2, TAGGER), saved)
    assert digests(saved) == before
    assert [f.name for f in saved.parent.iterdir()] == [saved.name]


def test_models_that_are_saved_at_once_are_whole(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    models = [model(), model(2, TAGGER)]

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: save_model(models[n % 2], folder), range(24)))
    load_model(folder)
    assert [f.name for f in tmp_path.iterdir()] == ["m"]


def packed() -> TaggerModel:
    made = model(2, TAGGER)
    return replace(made, vectors=smaller(made.vectors, len(made.vectors.words)))


def test_round_trip_of_quantised_vectors(tmp_path: Path) -> None:
    made = packed()
    folder = tmp_path / "m"
    save_model(made, folder)
    before = digests(folder)
    read = load_model(folder, TAGGER)
    assert read.vectors.subwords is not None
    assert made.vectors.subwords is not None
    pairs = (
        (read.vectors.matrix, made.vectors.matrix),
        (read.vectors.subwords.buckets, made.vectors.subwords.buckets),
    )
    for ours, theirs in pairs:
        assert isinstance(ours, Quantised)
        assert isinstance(theirs, Quantised)
        assert ours.codes.tobytes() == theirs.codes.tobytes()
        assert ours.scales.tobytes() == theirs.scales.tobytes()
    tokens = [s.tokens for s in TEXT]
    one, other = (
        tag(m.learner, own(m.learner), m.table(), tokens, ("T0", "T1")) for m in (made, read)
    )
    assert one == other
    assert json.loads((folder / "config.json").read_text())["format_version"] == 2
    save_model(read, folder)
    assert digests(folder) == before
    stored = safetensors.torch.load_file(folder / "model.safetensors")
    assert stored["vectors.matrix"].dtype == torch.int8
    assert len(stored["vectors.buckets_scale"]) == len(stored["vectors.buckets"])


def test_vectors_without_their_words_do_not_fit(tmp_path: Path) -> None:
    save_model(packed(), tmp_path / "m")
    path = tmp_path / "m" / "vocabulary.json"
    vocabulary = json.loads(path.read_text())
    path.write_text(json.dumps({**vocabulary, "words": vocabulary["words"][1:]}))
    written = json.loads((tmp_path / "m" / "config.json").read_text())["sha256"]
    mend(tmp_path / "m", sha256={**written, path.name: sha256(path.read_bytes())})
    with pytest.raises(UserError, match=r"config\.json: does not fit the weights"):
        load_model(tmp_path / "m")


@pytest.mark.parametrize("name", ["model.safetensors", "vocabulary.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_or_missing_file_is_named(saved: Path, name: str, damage: str) -> None:
    path = saved / name
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[-3] ^= 1
        path.write_bytes(content)
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.unlink()
    fault = "is missing; " if damage == "remove" else "is damaged "
    with pytest.raises(UserError, match=rf"saved/{name}: {fault}") as caught:
        load_model(saved)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"format": "fewshot-metalstm"'])
def test_a_config_that_is_no_json_is_damaged(saved: Path, content: bytes) -> None:
    (saved / "config.json").write_bytes(content)
    with pytest.raises(UserError, match=r"config\.json: is damaged \(not JSON\);"):
        load_model(saved)


@pytest.mark.parametrize("content", ["[]", "{}", '{"format": "other", "format_version": 1}', "3"])
def test_a_foreign_config(saved: Path, content: str) -> None:
    (saved / "config.json").write_text(content)
    with pytest.raises(UserError, match="was not written by fewshot-metalstm; give the folder"):
        load_model(saved)


def test_a_newer_format(saved: Path) -> None:
    mend(saved, format_version=FORMAT_VERSION + 1)
    with pytest.raises(UserError, match=r"format version 7, newer than 6; upgrade"):
        load_model(saved)
    mend(saved, format_version="x")
    with pytest.raises(UserError, match="format version x"):
        load_model(saved)


@pytest.mark.parametrize(
    "changes",
    [
        {"tagger": {"filters": 9}},
        {"tagger": {"lstm": {"hidden": 0}}},
        {"tagger": {"memory": -1}},
        {"tagger": 3},
        {"tagger": {"unheard": 1}},
        {"types": ["T0"]},
        {"types": 5},
        {"vectors": {}},
        {"vectors": {"source": "", "subwords": {"min_n": 2}}},
        {"vectors": {"source": "", "subwords": {"min_n": 2, "max_n": 10**9}}},
        {"sha256": []},
        {"about": None},
    ],
)
def test_a_config_that_does_not_fit_the_weights(saved: Path, changes: dict[str, Any]) -> None:
    mend(saved, **changes)
    with pytest.raises(UserError, match=r"config\.json: ") as caught:
        load_model(saved)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "sizes", [{"lstm": {"hidden": 10**7}}, {"filters": 10**8}, {"memory": 10**7}]
)
def test_sizes_that_would_take_the_memory(saved: Path, sizes: dict[str, Any]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    mend(saved, tagger=sizes)
    with pytest.raises(UserError, match="does not fit the weights"):
        load_model(saved)
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # KiB
    assert taken < 200 * 1024


def test_weights_that_are_no_safetensors(saved: Path) -> None:
    """Made so: their SHA-256 is right."""
    path = saved / "model.safetensors"
    header = json.dumps({"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 4]}})
    liar = len(header).to_bytes(8, "little") + header.encode() + b"1234"
    for content in (b"", b"\xff" * 16, liar):
        path.write_bytes(content)
        digest = sha256(content)
        mend(saved, sha256={**read_config(saved)["sha256"], path.name: digest})
        with pytest.raises(UserError, match="does not fit the weights"):
            load_model(saved)


def test_a_field_that_is_missing(saved: Path) -> None:
    path = saved / "config.json"
    for field in ("kind", "types", "tagger", "vectors", "about", "sha256"):
        whole = json.loads(path.read_text())
        rest = {k: v for k, v in whole.items() if k not in (field, SEAL)}
        path.write_text(json.dumps(rest))
        with pytest.raises(UserError, match=f"{field} is missing"):
            read_config(saved)
        path.write_text(json.dumps(whole))


def test_no_byte_of_the_config_changes_unnoticed(saved: Path) -> None:
    path = saved / "config.json"
    content = path.read_bytes()
    whole = json.loads(content)
    for place in range(0, len(content), 3):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            found = read_config(saved)
        except UserError:
            continue
        # Only the name of the digest itself, without which it is one of an earlier version.
        assert SEAL not in found
        assert len(found) == len(whole)
        assert all(found[key] == value for key, value in whole.items() if key != SEAL)


def test_a_config_of_an_earlier_version_has_no_digest(saved: Path) -> None:
    path = saved / "config.json"
    older = json.loads(path.read_text())
    assert older.pop(SEAL)
    path.write_text(json.dumps(older))
    assert load_model(saved).learner is not None


def test_heads_have_a_file_of_their_own(tmp_path: Path) -> None:
    made = replace(model(), heads=HEADS)
    save_model(made, tmp_path / "joint")
    assert sorted(digests(tmp_path / "joint")) == [
        "config.json", "heads.safetensors", "model.safetensors", "vocabulary.json"
    ]  # fmt: skip
    assert "heads.safetensors" in read_config(tmp_path / "joint")["sha256"]
    read = load_model(tmp_path / "joint", CHECKPOINT)
    assert [(h.task, h.type) for h in read.heads] == [(h.task, h.type) for h in HEADS]
    for before, after in zip(HEADS, read.heads, strict=True):
        assert same(after.params, {n: v.half().float() for n, v in before.params.items()})
    before_again = digests(tmp_path / "joint")
    save_model(read, tmp_path / "joint")
    assert digests(tmp_path / "joint") == before_again
    save_model(model(), tmp_path / "joint")
    assert not (tmp_path / "joint" / "heads.safetensors").exists()
    assert load_model(tmp_path / "joint").heads == ()


@pytest.mark.parametrize("damage", ["flip", "remove", "names", "shape"])
def test_damaged_heads_are_named(tmp_path: Path, damage: str) -> None:
    saved = tmp_path / "saved"
    save_model(replace(model(), heads=HEADS), saved)
    path = saved / "heads.safetensors"
    fault = r"heads\.safetensors: is damaged "
    if damage == "flip":
        content = bytearray(path.read_bytes())
        content[-3] ^= 1
        path.write_bytes(content)
    elif damage == "remove":
        path.unlink()
        fault = r"heads\.safetensors: is missing; "
    elif damage == "names":
        mend(saved, heads=[["a", "P"]])
        fault = r"config\.json: does not fit"
    else:
        mend(saved, heads=3)
        fault = r"config\.json: does not fit"
    with pytest.raises(UserError, match=fault) as caught:
        load_model(saved)
    assert "\n" not in str(caught.value)


def test_the_wrong_kind(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="saved: is a tagger, not a checkpoint; give a checkpoint"):
        load_model(saved, CHECKPOINT)
    save_model(model(), tmp_path / "c")
    with pytest.raises(UserError, match="c: is a checkpoint, not a tagger; give a tagger that"):
        load_model(tmp_path / "c", TAGGER)


def test_no_model_there(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path, why in (
        (tmp_path / "absent", "there is no such folder"),
        (tmp_path / "empty", r"config\.json is missing"),
    ):
        with pytest.raises(UserError, match=rf"holds no model \({why}\); give the folder that"):
            load_model(path)
    with pytest.raises(UserError, match=r"give that of one of its models, such as .*saved"):
        load_model(saved.parent)
    with pytest.raises(UserError, match="saved: is a tagger, not a checkpoint"):
        load_model(saved.parent, CHECKPOINT)  # the run, as it was named, of a tagger
    with pytest.raises(UserError, match="is a file, not a model's folder"):
        load_model(saved / "vocabulary.json")


def test_fresh_weights_are_a_function_of_the_seed() -> None:
    known = builders.vectors(("a",))

    def made(seed: int) -> dict[str, torch.Tensor]:
        return own(new_tagger(builders.TAGGER, known, ("a",), seed))

    assert same(made(1), made(1))
    assert not same(made(1), made(2))
