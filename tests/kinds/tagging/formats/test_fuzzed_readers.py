"""Readers of damaged files give documents or one clear error, whatever the bytes."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import fuzz_formats
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.formats import detect, read_documents

seed = cache(fuzz_formats.seed)
FEW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@FEW
@given(st.data())
@pytest.mark.parametrize("format", fuzz_formats.FORMATS)
def test_damaged_files(format: str, data: st.DataObject) -> None:
    broken = fuzz_formats.damaged(seed(format), lambda n: data.draw(st.integers(0, n - 1)))
    with tempfile.TemporaryDirectory() as folder:
        fuzz_formats.check(broken, format, Path(folder))


@FEW
@given(st.binary(max_size=60), st.sampled_from(("x", "x.txt", "x.json", "x.xml", "x.parquet")))
def test_any_bytes_by_any_name(data: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            found = list(read_documents(path))
        except UserError:
            return
        assert all(document.problem() is None for document in found), detect(path)


@pytest.mark.parametrize("format", fuzz_formats.FORMATS)
def test_the_seeds_are_whole(format: str, tmp_path: Path) -> None:
    # the first document; no ends of documents; a document a sentence
    counts = dict.fromkeys(("brat", "conll-plain", *fuzz_formats.BY_HAND), 1)
    counts |= {"huggingface": 4, "gliner": 4}
    assert fuzz_formats.check(seed(format), format, tmp_path) == counts.get(format, 3)
