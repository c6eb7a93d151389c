"""Zip archives of BRAT folders: read as the folder would be; what is dangerous is refused."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.formats import detect, read_documents
from fewshot_metalstm.kinds.tagging.formats import files as bounded

FILES = {
    "c/a.txt": "IL-2 ran", "c/a.ann": "T1\tGene 0 4\tIL-2\n", "c/d/b.txt": "none", "c/d/b.ann": "",
    "c/readme.md": "x", "__MACOSX/c/a.ann": "y", "c/.x.txt": "z",
}  # fmt: skip


def packed(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_as_the_folder(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", FILES)
    for name, content in FILES.items():
        if "MACOSX" not in name:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)
    assert detect(path).name == "brat"
    found = list(read_documents(path))
    assert [(d.id, len(d.mentions)) for d in found] == [("c/a", 1), ("c/d/b", 0)]
    (tmp_path / "x.zip").unlink()
    assert list(read_documents(tmp_path)) == found


def test_errors_name_the_file_in_the_archive(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", {**FILES, "c/a.ann": "T1\tGene 1 5\tIL-2\n"})
    with pytest.raises(UserError, match=r"x\.zip/c/a\.ann:1: the text of the mention"):
        list(read_documents(path))


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"../a.txt": ""}, "leads out of it"),
        ({"/a.txt": ""}, "leads out of it"),
        ({"a\\b.txt": ""}, "leads out of it"),
        ({"C:/a.txt": ""}, "leads out of it"),
        ({"a.md": ""}, "holds no .txt file"),
        ({"a.ann": ""}, "has no text beside it"),
    ],
)
def test_what_is_refused(tmp_path: Path, files: dict[str, str], problem: str) -> None:
    path = packed(tmp_path / "x.zip", files)
    with pytest.raises(UserError, match=problem):
        list(read_documents(path))


def test_links_and_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = zipfile.ZipInfo("a.txt")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UserError, match="holds the link"):
        list(read_documents(tmp_path / "x.zip"))
    monkeypatch.setattr(bounded, "MAX_DOCUMENT", 1000)
    path = packed(tmp_path / "y.zip", {"a.txt": " " * 2000})
    with pytest.raises(UserError, match=r"y\.zip/a\.txt: is larger than"):
        list(read_documents(path))


def test_damaged_archives_give_one_error(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content * 20 if name.endswith(".txt") else content)
    whole = stream.getvalue()
    chance = random.Random(5)
    refused = 0
    for _ in range(1000):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)) :]
        path = tmp_path / "x.zip"
        path.write_bytes(data)
        try:
            found = list(read_documents(path, "brat"))
        except UserError as error:
            refused += "\n" not in str(error)
        else:
            assert all(document.problem() is None for document in found)
    assert refused > 100
