"""A user's own annotated text: which file is which split."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.own_files import own_files


def test_own_files_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("x-train.conll", "dev.txt", "TEST.tsv", "README.txt", "train.md", "pretest.tsv"):
        (folder / name).write_text("a\tO\n")
    name, files = own_files(str(folder))
    assert name == "mine"
    assert {split: path.name for split, path in files.items()} == {
        "train": "x-train.conll",
        "devel": "dev.txt",
        "test": "TEST.tsv",
    }
    (folder / "valid.tsv").write_text("a\tO\n")
    with pytest.raises(UserError, match=r"both dev.txt and valid.tsv could be its devel split"):
        own_files(str(folder))


def test_a_document_called_like_a_split_is_one_beside_others(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    for name in ("blood-test", "skin-test"):
        for suffix in (".txt", ".ann"):
            (folder / f"{name}{suffix}").touch()
    with pytest.raises(UserError, match=r"both blood-test.txt and skin-test.txt could be its test"):
        own_files(str(folder))
    for suffix in (".txt", ".ann"):
        (folder / f"p1{suffix}").touch()
    assert own_files(str(folder)) == ("texts", {"train": folder})
    (folder / "train.tsv").touch()
    assert own_files(str(folder))[1] == {"train": folder / "train.tsv"}


def test_own_files_named(tmp_path: Path) -> None:
    assert own_files("train=a/x.tsv,dev=b.tsv") == (
        "x",
        {"train": Path("a/x.tsv"), "devel": Path("b.tsv")},
    )
    assert own_files(f"test={tmp_path}/data/test.tsv")[0] == "data"
    for wrong in ("train=a,tarin=b", "train=a,train=b", "train=a,"):
        with pytest.raises(UserError, match="name the files as train=FILE,devel=FILE,test=FILE"):
            own_files(wrong)


def test_own_files_absent(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file or folder; check the path"):
        own_files(str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="holds no train, devel or test file"):
        own_files(str(tmp_path))
