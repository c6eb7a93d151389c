"""Parquet: what crashes its library ends in one line; data sets of tokens and tags."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.bad import SKIP, BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import Document, read_documents, write_documents

pa = pytest.importorskip("pyarrow")
ROWS = {"id": ["a", "b"], "tokens": [["IL-2", "acts"], ["The", "p", "53"]]}
FEATURES = {"info": {"features": {"ner_tags": {
    "feature": {"names": ["O", "B-Gene", "I-Gene"], "_type": "ClassLabel"}, "_type": "Sequence",
}}}}  # fmt: skip


def written(path: Path, tags: list[list[Any]], metadata: dict[str, str] | None = None) -> Path:
    import pyarrow.parquet as pq

    table = pa.table({**ROWS, "ner_tags": tags})
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path


def found(path: Path) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (d.id, [(d.text[m.start : m.end], m.type) for m in d.mentions])
        for d in read_documents(path)
    ]


GENES = [("a", [("IL-2", "Gene")]), ("b", [("p 53", "Gene")])]


def test_tags_of_a_data_set(tmp_path: Path) -> None:
    words = [["B-Gene", "O"], ["O", "B-Gene", "I-Gene"]]
    numbers = [[1, 0], [0, 1, 2]]
    assert found(written(tmp_path / "words.parquet", words)) == GENES
    named = {"huggingface": json.dumps(FEATURES)}
    assert found(written(tmp_path / "numbers.parquet", numbers, named)) == GENES
    beside = written(tmp_path / "beside.parquet", numbers, {"huggingface": "no JSON"})
    with pytest.raises(UserError, match=r"beside.parquet: .*write the list of names to beside.l"):
        found(beside)
    beside.with_suffix(".labels.json").write_text('["O", "B-Gene", "I-Gene"]')
    assert found(beside) == GENES


@pytest.mark.parametrize(("code", "said"), [
    ("import os; os.abort()", "what reads it was ended by SIGABRT"),
    ("import sys; sys.exit(3)", "what reads it was ended by exit code 3"),
    ("print('{\"ro', end='')", "what reads it was ended by exit code 0"),
])  # fmt: skip
def test_a_crash_of_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    """The C++ code aborts its process on some files; it is another process than ours."""
    path = tmp_path / "x.parquet"
    write_documents([Document("a", "IL-2")], path, "parquet")
    start = subprocess.Popen
    first = "print('{\"tags\": null}', flush=True); "
    monkeypatch.setattr(subprocess, "Popen", lambda command, **how: start(
        [sys.executable, "-c", first + code], **how
    ))  # fmt: skip
    with pytest.raises(UserError) as error:
        list(read_documents(path, bad=BadAnnotations(SKIP)))
    assert str(error.value) == f"{path}: cannot be read as Parquet ({said}); write it again"


def test_what_is_no_parquet_and_a_reader_that_stops(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    write_documents([Document(f"{n}", "IL-2 " * 500) for n in range(300)], path, "parquet")
    documents = read_documents(path)
    assert next(documents).id == "0"
    documents.close()  # type: ignore[attr-defined]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"x\.parquet: cannot be read as Parquet \(.+\); write it"):
        list(read_documents(path))
