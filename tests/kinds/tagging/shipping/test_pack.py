"""Packing a checkpoint: small, nearly the same, and a checkpoint as before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.adapt.target import adapt_target
from fewshot_metalstm.config import dump, resolve
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.predict import Predictor
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig
from fewshot_metalstm.kinds.tagging.shipping.pack import pack
from fewshot_metalstm.kinds.tagging.tagger.model import (
    CHECKPOINT,
    TAGGER,
    load_model,
    read_config,
    save_model,
)
from fewshot_metalstm.kinds.tagging.training.recipe import preset, settled
from fewshot_metalstm.meta.state import State, save_state
from fewshot_metalstm.nn.stored_rows import Quantised
from fewshot_metalstm.pretrained import CARD
from tests.kinds.tagging.tagger.builders import CONFIG, digests, own, same, task
from tests.pretrained.builders import checkpoint

CPU = torch.device("cpu")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    save_model(checkpoint(), tmp_path / "run" / "checkpoint")
    return tmp_path / "run" / "checkpoint"


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def test_what_it_holds(made: Path, tmp_path: Path) -> None:
    before = load_model(made)
    packed = pack(made, tmp_path / "p")
    assert sorted(f.name for f in packed.folder.iterdir()) == [
        CARD, "config.json", "model.safetensors", "vocabulary.json"
    ]  # fmt: skip
    assert all(f.stat().st_mode & 0o777 == 0o644 for f in packed.folder.iterdir())
    after = load_model(packed.folder, CHECKPOINT)
    assert same(own(after.learner), own(before.learner)), "weights stay as they are"
    assert isinstance(after.vectors.matrix, Quantised)
    assert after.vectors.words == before.vectors.words
    account = packed.account
    assert 0 < account.turned < 1e-3
    assert (account.words, account.words_dropped, account.dropped_turned) == (40, 0, 0.0)
    assert (packed.bytes, account.bytes_before) == (size(packed.folder), size(made))
    about = dict(after.about)
    packed = about.pop("packed")
    assert packed["sha256"] == read_config(made)["sha256"]
    assert about == before.about
    assert [f.name for f in tmp_path.iterdir() if f.name.startswith(".")] == []


def test_packing_again_changes_the_card_alone(made: Path, tmp_path: Path) -> None:
    one, other = pack(made, tmp_path / "a" / "p"), pack(made, tmp_path / "b" / "p")
    assert digests(one.folder) == digests(other.folder)
    again = pack(one.folder, tmp_path / "c" / "p")
    assert digests(again.folder) == digests(one.folder)
    assert again.account == one.account
    figures = tmp_path / "figures.json"
    row = '{"target": "linnaeus", "shots": 5, "method": "crf", "f1": {"mean": 7, "ci95": 1}}'
    figures.write_text(f'{{"rows": [{row}], "note": "By hand."}}')
    page = one.folder / CARD
    without = page.read_text()
    pack(one.folder, one.folder, results=figures)
    assert load_model(one.folder).about["packed"]["turned"] == one.account.turned
    given = page.read_text()
    assert "| linnaeus | 5 | crf | 7.00 ± 1.00 |\n\nBy hand.\n\n## Limits\n" in given
    pack(one.folder, one.folder)
    assert page.read_text() == given, "the figures of the card that stands there are kept"
    figures.write_text('{"rows": []}')
    pack(one.folder, one.folder, results=figures)
    assert page.read_text() == without


def test_over_the_limit_rare_words_lose_their_row(made: Path, tmp_path: Path) -> None:
    whole = pack(made, tmp_path / "whole").bytes
    limit = (whole - 200) / 10**6
    packed = pack(made, tmp_path / "small", limit=limit)
    assert packed.bytes <= whole - 200
    after, before = load_model(packed.folder).vectors, load_model(made).vectors
    dropped = packed.account.words_dropped
    assert 0 < dropped <= 20
    assert after.words == before.words[:-dropped], "the rarest, which stand last"
    assert packed.account.dropped_turned > 0.1, "random vectors are none of their n-grams"
    rare = before.words[-1]
    assert rare not in after
    assert after.lookup([rare]).any()
    assert f"The {dropped} rarest words lost their vector" in (packed.folder / CARD).read_text()


def test_what_cannot_be_small_enough_is_refused(made: Path, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with pytest.raises(UserError, match=r"over 0\.01 MB however it is packed: no more than 20 w"):
        pack(made, tmp_path / "old", limit=0.01)
    bare = replace(checkpoint(), vectors=replace(checkpoint().vectors, subwords=None))
    save_model(bare, tmp_path / "bare")
    with pytest.raises(UserError, match="no more than 0 words can do without a row"):
        pack(tmp_path / "bare", tmp_path / "old", limit=0.01)
    assert not list((tmp_path / "old").iterdir())
    (tmp_path / "old" / "thesis.tex").touch()
    with pytest.raises(UserError, match="holds other files"):
        pack(made, tmp_path / "old")


def test_settings_and_time_of_the_run_around_it(made: Path, tmp_path: Path) -> None:
    run = made.parent
    config = resolve(type(CONFIG), None, ("outer.steps=7", "exclude=[demo-methods]"),
                     {"tasks": "mtl-bio", "seed": 3, "start": str(tmp_path / "joint")},
                     base=preset("mtl-bio"))  # fmt: skip
    (run / "config.yaml").write_text(dump(config))
    some = {"x": torch.zeros(1)}
    save_state(State(some, {"seconds": 694.321}), run / "state" / "training.safetensors")
    joint = replace(config, algorithm="joint", start="", outer=replace(config.outer, steps=0))
    (tmp_path / "joint" / "state").mkdir(parents=True)
    (tmp_path / "joint" / "config.yaml").write_text(dump(settled(joint)))
    begun = tmp_path / "joint" / "state" / "training.safetensors"
    save_state(State(some, {"seconds": 60.0}), begun)
    packed = pack(made, tmp_path / "p")
    about = load_model(packed.folder).about
    assert about["seconds"] == 694.3
    assert about["settings"]["outer"]["steps"] == 7
    page = (packed.folder / CARD).read_text()
    assert "- training took 13 minutes of wall time" in page
    assert (
        "fewshot-metalstm meta-train --tasks mtl-bio --algorithm fomaml --seed 3 "
        "--exclude demo-methods --start runs/joint --set outer.steps=7\n"
    ) in page
    assert str(tmp_path) not in page
    joint_command = "--algorithm joint --seed 3 --exclude demo-methods --set joint.steps=28000"
    assert f"{joint_command} --output runs/joint\n" in page


def test_it_adapts_and_its_tagger_is_small_too(made: Path, tmp_path: Path) -> None:
    goal = task("my50", sizes=(12, 0, 8))
    config = resolve(AdaptRunConfig, None, ("adapt.epochs=1", "adapt.min_steps=2"),
                     {"shots": 0, "draws": 1})  # fmt: skip
    scores = {}
    for name, folder in (("plain", made), ("packed", pack(made, tmp_path / "p").folder)):
        report = adapt_target(folder, goal, config, tmp_path / name, device=CPU, workers=1)
        spread = report.main.summary()
        assert spread is not None
        scores[name] = spread.mean
    plain, small = (tmp_path / name / "tagger" for name in ("plain", "packed"))
    assert scores["packed"] == pytest.approx(scores["plain"], abs=15)
    saved = load_model(small, TAGGER)
    assert isinstance(saved.vectors.matrix, Quantised)
    saving = 40 * 16 + 30 * 16 - 4 * 70  # a byte a number less, and the scales
    assert size(plain) - size(small) == pytest.approx(saving, abs=1000)
    assert (small / "model.safetensors").stat().st_size < (
        plain / "model.safetensors"
    ).stat().st_size
    assert Predictor(small, CPU).tag([["word1", "x"]])
