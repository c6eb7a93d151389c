"""spaCy's DocBin, where spaCy is installed."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.formats import Document, Notes, docbin, read_documents
from tests.kinds.tagging.formats.builders import documents, through
from tests.kinds.tagging.formats.test_round_trips import seen

pytest.importorskip("spacy", reason="DocBin needs the extra spacy")


@settings(max_examples=30, deadline=None)
@given(documents(given=True))
def test_text_and_mentions_survive(given: list[Document]) -> None:
    given = [replace(d, mentions=seen(d)) for d in given]
    found = through(given, "docbin", "x.spacy", Notes())
    assert [(d.id, d.text, d.mentions) for d in found] == [
        (d.id, d.text, d.mentions) for d in given
    ]


def test_what_is_no_docbin_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.spacy"
    for data in (b"", b"nonsense", zlib.compress(b"nonsense")):
        path.write_bytes(data)
        with pytest.raises(UserError, match=r"x.spacy: is no DocBin"):
            list(read_documents(path))
    monkeypatch.setattr(docbin, "MAX_FILE", 2**20)
    path.write_bytes(zlib.compress(bytes(2**22)))
    with pytest.raises(UserError, match="unpacks to more than 1 MiB"):
        list(read_documents(path))
