"""Text files: what is unpacked, and what is refused with its place."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.data.text_files import check_text, read_bytes, read_catalogued
from fewshot_metalstm.errors import UserError

TEXT = "ein Hund läuft\nund frisst\n".encode()


def test_files_are_unpacked_by_what_they_hold(tmp_path: Path) -> None:
    path = tmp_path / "text"
    for content in (TEXT, gzip.compress(TEXT), bz2.compress(TEXT)):
        path.write_bytes(content)
        assert read_bytes(path) == TEXT
    path.write_bytes(gzip.compress(TEXT)[:-9])
    with pytest.raises(UserError, match="text: is a damaged gzip file"):
        read_bytes(path)
    with pytest.raises(UserError, match="absent: cannot be read"):
        read_bytes(tmp_path / "absent")


def test_the_one_file_of_a_zip_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "text.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/", b"")
        archive.writestr("folder/text", TEXT * 100)
    assert read_bytes(path) == TEXT * 100
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"text\.zip: is a damaged zip file"):
        read_bytes(path)
    with zipfile.ZipFile(path, "w"):
        pass
    with pytest.raises(UserError, match="is an archive of 0 files"):
        read_bytes(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("text", TEXT)
    locked = bytearray(path.read_bytes())
    locked[6] |= 1
    locked[locked.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(locked)
    with pytest.raises(UserError, match="needs a password; unpack it"):
        read_bytes(path)
    with zipfile.ZipFile(path, "w") as archive:
        for name in "ab":
            archive.writestr(name, TEXT)
    with pytest.raises(UserError, match="is an archive of 2 files; unpack it, and give the one"):
        read_bytes(path)


def test_what_is_no_text_is_refused_with_its_line(tmp_path: Path) -> None:
    check_text(tmp_path, TEXT)
    for data, problem in ((b"a\nb\xff\n", ":2: is not UTF-8"), (b"a\n\nb\0", ":3: has a zero")):
        with pytest.raises(UserError, match=problem):
            check_text(tmp_path / "text", data)


def test_a_file_of_the_catalogue_is_believed_by_its_digest(tmp_path: Path) -> None:
    entry = Catalogue.load(kind="translation")["multi30k"]
    known = replace(entry.files["test.en"], sha256=hashlib.sha256(TEXT).hexdigest())
    own = replace(entry, files={"test.en": known})
    place = tmp_path / "multi30k" / known.name
    place.parent.mkdir()
    place.write_bytes(gzip.compress(TEXT))
    assert read_catalogued(own, "test.en", tmp_path) == (place, TEXT)
    place.write_bytes(gzip.compress(TEXT + b"more\n"))
    with pytest.raises(UserError, match="is not the file of the catalogue"):
        read_catalogued(own, "test.en", tmp_path)
