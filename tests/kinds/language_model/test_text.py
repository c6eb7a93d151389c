"""Reading a user's own text: what is read, what is refused, what looks like it."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import numpy as np
import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.language_model.text import looks_so, read_document


def test_a_text_is_read_as_it_stands(tmp_path: Path) -> None:
    text = "Naïve\r\n\ttext  \n".encode()
    path = tmp_path / "my.text.txt"
    for written in (text, b"\xef\xbb\xbf" + text, gzip.compress(text), bz2.compress(text)):
        path.write_bytes(written)
        found = read_document(path)
        assert (found.title, found.data, found.characters) == ("my", text, 15)


def test_what_is_no_text_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "my.txt"
    for written, problem in (
        (b"", "my.txt: is empty; give a file with text"),
        (b"\xef\xbb\xbf", "my.txt: is empty"),
        (b"one\ntwo\xff\n", "my.txt:2: is not UTF-8; save it as UTF-8"),
        ("one\n".encode("utf-16"), "my.txt:1: is not UTF-8"),
        (b"one\n\ntw\0o", "my.txt:3: has a zero byte"),
        (gzip.compress(b"text")[:-3], "my.txt: is a damaged gzip file"),
        (bz2.compress(b"text")[:-3], "my.txt: is a damaged bzip2 file"),
    ):
        path.write_bytes(written)
        with pytest.raises(UserError) as caught:
            read_document(path)
        assert problem in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="cannot be read"):
        read_document(tmp_path / "absent.txt")
    with pytest.raises(UserError, match="is a directory"):
        read_document(tmp_path)


def test_any_bytes_are_a_text_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "my.txt"
    rng = np.random.default_rng(0)
    heads = (b"", b"\x1f\x8b\x08", b"BZh9", b"\xef\xbb\xbf", gzip.compress(b"x" * 50)[:20])
    read, refused = 0, []
    for number in range(400):
        tail = rng.integers(0, 256 if number % 2 else 128, int(rng.integers(12)), np.uint8)
        path.write_bytes(heads[number % len(heads)] + tail.tobytes())
        try:
            found = read_document(path)
        except UserError as error:
            refused.append(str(error))
        else:
            assert found.data.decode()
            read += 1
    assert 50 < read < 350
    assert not any("\n" in line for line in refused)


def test_running_text_is_known_by_its_look(tmp_path: Path) -> None:
    def look(text: str, name: str = "my.txt") -> bool:
        (tmp_path / name).write_text(text)
        return looks_so(tmp_path / name)

    prose = "It was a dark night.\n\nThe rain fell in torrents, except at times.\n"
    assert look(prose)
    assert not look(prose, "my.csv")
    assert not look("")
    assert not look("Mice\tO\nwere\tO\n")
    assert not look("EU B-ORG\nrejects O\n\nPeter B-PER\n")
    assert not look("EU NNP I-NP I-ORG\nrejects VBZ I-VP O\n\nPeter NNP I-NP I-PER\n")
    assert not look("EU NNP I-ORG\nnew words VBZ I-VP O\n. . O\n")
    assert look("A single line of text.")
    (tmp_path / "my.ann").write_text("T1\tx 0 2\tIt\n")
    assert not look(prose)
    assert not looks_so(tmp_path / "absent.txt")
