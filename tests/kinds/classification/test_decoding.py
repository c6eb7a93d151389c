"""Bytes of mixed encodings."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.classification.decoding import OTHER_ENCODING, decode, read_bytes

PATH = Path("x.csv")


def test_lines_that_are_no_utf8_are_windows_1252_and_counted() -> None:
    notes: Counter[str] = Counter()
    data = "caf\u00e9\n".encode() + b"clich\xe9 \x85\n" + b"\x81\n"
    assert decode(data, PATH, notes) == "caf\u00e9\nclich\u00e9 \u2026\n\x81\n"
    assert notes == {OTHER_ENCODING: 2}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8"])
def test_marks_of_encodings_are_believed(encoding: str) -> None:
    notes: Counter[str] = Counter()
    assert decode("a,\u4e2d\n".encode(encoding), PATH, notes) == "a,\u4e2d\n"
    assert not notes


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(UserError, match=r"x\.csv:2: holds a zero byte"):
        decode(b"a\nb\0", PATH)
    with pytest.raises(UserError, match="damaged UTF-16"):
        decode(b"\xff\xfea", PATH)
    with pytest.raises(UserError, match="cannot be read"):
        read_bytes(Path("nowhere.csv"))
