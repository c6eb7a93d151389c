"""Which checkpoint of those that ship is taken for what; and those that do ship."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fewshot_metalstm import pretrained
from fewshot_metalstm.data.suites import load_targets
from fewshot_metalstm.kinds.tagging.corpora.demo import METHODS
from fewshot_metalstm.kinds.tagging.episodes.load import load_target
from fewshot_metalstm.kinds.tagging.shipping.pack import LIMIT, MEGABYTE
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, load_model, read_config
from fewshot_metalstm.nn.stored_rows import Quantised
from fewshot_metalstm.runs import model_folder
from tests.pretrained.builders import EVERY, checkpoint, ship, target


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = ship(tmp_path / "ship", bionlp=checkpoint(), mtl_bio=checkpoint(**EVERY))
    monkeypatch.setattr(pretrained, "place", lambda: folder)
    return folder


def names(folders: tuple[Path, ...]) -> list[str]:
    return [folder.name for folder in folders]


def test_what_fits(place: Path) -> None:
    fitting = pretrained.fitting
    assert names(fitting(target("my50"))) == ["mtl-bio", "bionlp"], "a user's own text"
    assert names(fitting(load_target(METHODS))) == ["mtl-bio", "bionlp"]
    assert names(fitting(target("linnaeus"))) == ["bionlp"], "mtl-bio has learned from it"
    assert names(fitting(target("mine", "linnaeus"))) == ["bionlp"], "files of a known corpus"
    assert names(fitting(target("NCBI-disease"))) == [], "neither was cleared of its test split"
    assert names(fitting(target("demo-species", synthetic=True))) == []


def test_a_name_means_the_shipped_one_unless_there_is_such_a_path(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert model_folder(Path("bionlp"), "checkpoint") == place / "bionlp"
    assert pretrained.name_of(place / "bionlp") == "bionlp"
    assert pretrained.name_of(tmp_path) is None
    assert model_folder(Path("bionlp"), "tagger") == Path("bionlp"), "no tagger ships"
    assert model_folder(Path("other"), "checkpoint") == Path("other")
    ship(tmp_path, bionlp=checkpoint())
    assert model_folder(Path("bionlp"), "checkpoint") == Path("bionlp")


def test_an_installation_without_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "place", lambda: tmp_path)
    assert pretrained.folders() == {}
    assert pretrained.fitting(target("my50")) == ()
    assert model_folder(Path("mtl-bio"), "checkpoint") == Path("mtl-bio")


@pytest.mark.parametrize("name", ["mtl-bio", "bionlp"])
def test_what_ships_is_packed_told_and_fits(name: str) -> None:
    folder = pretrained.folders().get(name)
    if folder is None:
        pytest.skip(f"{name} is not in the package: `fewshot-metalstm pack` puts it there")
    assert sum(file.stat().st_size for file in folder.iterdir()) <= LIMIT * MEGABYTE
    about = read_config(folder, CHECKPOINT)["about"]
    assert not about["synthetic"]
    model = load_model(folder, CHECKPOINT)
    assert isinstance(model.vectors.matrix, Quantised)
    assert model.sentences, "`pack --sentences` makes them"
    card = (folder / pretrained.CARD).read_text(encoding="utf-8")
    assert yaml.safe_load(card.split("---\n")[1])["library_name"] == "fewshot-metalstm"
    for file, digest in read_config(folder)["sha256"].items():
        assert f"`{file}`: `{digest}`" in card, "the card is of other files"
    if name == "bionlp":
        assert set(load_targets().official) <= set(about["targets_excluded"])
    assert folder in pretrained.fitting(load_target(METHODS))
