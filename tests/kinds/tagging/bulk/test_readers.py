"""JSON lines and plain text as documents, packed or not."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.bulk import readers
from fewshot_metalstm.kinds.tagging.bulk.readers import Digest, kind_of, opened, read
from fewshot_metalstm.kinds.tagging.bulk.records import BadRecord, Item, Record

PATH = Path("in.jsonl")


def items(data: bytes, kind: str = "jsonl", documents: str = "file") -> list[Item]:
    return list(read(io.BytesIO(data), PATH, kind, documents))


def test_json_lines_and_what_is_none() -> None:
    lines = [
        b'\xef\xbb\xbf{"id": "a", "text": "One\\nTwo \xc3\xa9", "more": 1}\r', b"",
        b'{"id": 7, "text": ""}', b"{broken", b"[1]", b'{"text": "x"}', b'{"id": true, "text": ""}',
        b'{"id": "b", "text": null}', b'{"id": "\xff", "text": ""}',
        b'{"id": "c", "text": "\\ud800"}', b"[" * 100_000, b'{"id": "z", "text": "last"}',
    ]  # fmt: skip
    found = items(b"\n".join(lines))
    assert found[:2] == [Record("a", "One\nTwo é"), Record("7", "")]
    assert found[-1] == Record("z", "last")
    bad = {item.number: item.reason for item in found if isinstance(item, BadRecord)}
    assert sorted(bad) == [4, 5, 6, 7, 8, 9, 10, 11]
    assert bad[4].startswith("is not JSON (")
    assert bad[5] == "is no JSON object"
    assert bad[6] == bad[7] == "has no id (text or whole number)"
    assert bad[8] == "has no text"
    assert bad[9] == "is not UTF-8"
    assert "lone surrogate" in bad[10]
    assert bad[11].startswith("is not JSON (")


def test_long_lines_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_MAX_LINE", 20)
    found = items(b"short\n" + b"x" * 100 + b"\nmore\n" + b"y" * 20, "text", "line")
    assert [type(item) for item in found] == [Record, BadRecord, Record, BadRecord]
    assert [item.number for item in found if isinstance(item, BadRecord)] == [2, 4]
    assert found[2] == Record("in.jsonl:3", "more")


def test_plain_text_by_file_and_by_line() -> None:
    data = b"Zeile eins\n\nund zwei\r\n"
    assert items(data, "text") == [Record("in.jsonl", "Zeile eins\n\nund zwei\r\n")]
    assert items(data, "text", "line") == [
        Record("in.jsonl:1", "Zeile eins"), Record("in.jsonl:3", "und zwei"),
    ]  # fmt: skip
    assert items(b"a\n\xff\nb", "text", "line")[1] == BadRecord(2, "is not UTF-8", "in.jsonl:2")
    (bad,) = items(b"x" * 5_000_000, "text")
    assert isinstance(bad, BadRecord)
    assert "use --documents line" in bad.reason


def test_kinds_by_name() -> None:
    names = {"a.xml": "pubmed", "a.XML.gz": "pubmed", "b.jsonl.gz": "jsonl", "c.ndjson": "jsonl",
             "d.txt": "text", "e.md5": None, "f.gz": None}  # fmt: skip
    assert {name: kind_of(Path(name)) for name in names} == names
    with pytest.raises(UserError, match="format 'csv' is unknown"):
        items(b"", "csv")


@pytest.mark.parametrize("packed", [False, True])
def test_the_digest_is_that_of_the_file(tmp_path: Path, packed: bool) -> None:
    content = "".join(json.dumps({"id": i, "text": "x" * 50}) + "\n" for i in range(40_000))
    path = tmp_path / ("in.jsonl.gz" if packed else "in.jsonl")
    path.write_bytes(gzip.compress(content.encode()) if packed else content.encode())
    digest = Digest()
    with opened(path, digest) as stream:
        assert sum(1 for _ in read(stream, path, "jsonl")) == 40_000
    assert digest.sha.hexdigest() == hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest.size == path.stat().st_size


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl.gz"
    whole = gzip.compress(b'{"id": 1, "text": "a"}\n' * 1000)
    for data in (whole[:-20], b"no gzip at all", whole[:30] + b"\xff" * 30 + whole[60:]):
        path.write_bytes(data)
        raised = pytest.raises(UserError, match=r"in.jsonl.gz: is damaged .*; fetch the file again")
        with raised, opened(path, Digest()) as stream:
            list(read(stream, path, "jsonl"))
