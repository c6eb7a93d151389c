"""Looking for corpora: the folders in order, their layouts, the user's own files."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.data.locate import find, is_own, locate
from fewshot_metalstm.data.status import status
from fewshot_metalstm.errors import UserError
from tests.kinds.tagging.corpora.builders import FILES, entry


@pytest.fixture(autouse=True)
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FEWSHOT_METALSTM_DATA", str(tmp_path / "environment"))
    monkeypatch.setenv("FEWSHOT_METALSTM_CACHE", str(tmp_path / "cache"))
    (tmp_path / "option").mkdir()


def put(folder: Path, *splits: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for split in splits or tuple(FILES):
        (folder / f"{split}.tsv").write_bytes(FILES[split])
    return folder


def test_locate_order(tmp_path: Path) -> None:
    option = tmp_path / "option"
    with pytest.raises(UserError) as caught:
        locate(entry(), option)
    message = str(caught.value)
    for part in (
        "corpus tiny is not in",
        f"{option} (--data-dir), {tmp_path}/environment (FEWSHOT_METALSTM_DATA)",
        f"{tmp_path}/cache (cache folder)",
        f"type `fewshot-metalstm data fetch tiny --data-dir {option}`",
    ):
        assert part in message
    for name in ("cache", "environment", "option"):
        folder = put(tmp_path / name / "col/data/tiny-IOBES")
        assert locate(entry(), option)["test"] == folder / "test.tsv"


@pytest.mark.parametrize("layout", ["col/data/tiny-IOBES", "data/tiny-IOBES", "tiny-IOBES"])
def test_locate_layouts(tmp_path: Path, layout: str) -> None:
    folder = put(tmp_path / "option" / layout)
    assert find(entry(), tmp_path / "option") == folder


def test_locate_prefers_what_is_complete(tmp_path: Path) -> None:
    put(tmp_path / "environment/tiny-IOBES", "train")
    with pytest.raises(UserError, match=r"environment/tiny-IOBES/devel.tsv: is missing; type"):
        locate(entry())
    folder = put(tmp_path / "cache/tiny-IOBES")
    assert find(entry()) == folder


def test_locate_brought(tmp_path: Path) -> None:
    brought = entry("brought", bring=True)
    with pytest.raises(UserError, match=r"not fetched \(unclear\): put train.tsv, devel.tsv and t"):
        locate(brought)
    folder = put(tmp_path / "environment/brought")
    assert find(brought) == folder


def test_locate_files_in_the_folder_of_their_collection(tmp_path: Path) -> None:
    universal = Catalogue.load()["ud-ewt-pos"]
    folder = tmp_path / "environment" / "ud-ewt"
    folder.mkdir(parents=True)
    names = [file.name for file in universal.files.values()]
    for name in names:
        (folder / f"{name}.gz").write_bytes(b"")  # whoever keeps them may have packed them
    assert [path.name for path in locate(universal).values()] == [f"{name}.gz" for name in names]
    (folder / names[0]).write_bytes(b"")
    assert locate(universal)["train"] == folder / names[0]
    assert "/./" not in universal.url("train")


def test_locate_data_dir_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere: is no folder; check --data-dir"):
        locate(entry(), tmp_path / "nowhere")


def test_status(tmp_path: Path) -> None:
    assert status(entry()).state == "absent"
    folder = put(tmp_path / "environment/tiny-IOBES", "train")
    assert (status(entry()).state, status(entry()).problems) == (
        "incomplete",
        ("devel.tsv", "test.tsv"),
    )
    put(folder)
    assert (status(entry()).state, status(entry()).folder) == ("ready", folder)
    (folder / "test.tsv").write_bytes(FILES["test"] + b"\n")
    assert (status(entry()).state, status(entry()).problems) == ("changed", ("test.tsv",))


def test_is_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_own("option")
    assert is_own("./linnaeus")
    assert is_own("test=linnaeus")
    assert not is_own("linnaeus")


def test_locate_finds_a_packed_table_in_the_place_of_a_plain_one(tmp_path: Path) -> None:
    entry = Catalogue.load(kind="forecasting")["load-AEP"]
    folder = tmp_path / "load-forecast" / "pjm"
    folder.mkdir(parents=True)
    (folder / "AEP_hourly.csv.gz").write_bytes(b"")
    assert locate(entry, tmp_path)["series"].name == "AEP_hourly.csv.gz"
    (folder / "AEP_hourly.csv").write_bytes(b"")
    assert locate(entry, tmp_path)["series"].name == "AEP_hourly.csv"


def test_locate_finds_an_unpacked_file_in_the_place_of_a_packed_one(tmp_path: Path) -> None:
    entry = Catalogue.load(kind="digits")["mnist"]
    folder = tmp_path / "mnist"
    folder.mkdir()
    names = [file.name for file in entry.files.values()]
    for name in names:
        (folder / name.removesuffix(".gz")).write_bytes(b"")
    assert [path.name for path in locate(entry, tmp_path).values()] == [n[:-3] for n in names]
    (folder / names[0]).write_bytes(b"")
    assert locate(entry, tmp_path)["train"].name == names[0]
    (folder / names[1][:-3]).unlink()
    with pytest.raises(UserError, match=r"train-labels-idx1-ubyte.gz: is missing; .*fetch mnist"):
        locate(entry, tmp_path)
