"""The cache of encoded corpora: exact, and never believed when damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_metalstm.kinds.tagging.corpora.cache import EncodedCache
from fewshot_metalstm.kinds.tagging.corpora.columns import parse
from fewshot_metalstm.kinds.tagging.corpora.reader import ReadResult, resolve
from fewshot_metalstm.kinds.tagging.corpora.store import load_corpus

TRAIN = "ß\tO\nE.\tB-Sp\ncoli\tI-Sp\n\na\u2028b\tI-Sp\n\nß\tO\n"


@pytest.fixture
def results() -> dict[str, ReadResult]:
    train, test = parse(TRAIN.encode(), "train"), parse(b"x\tO\n", "test")
    return resolve({"train": train, "test": test}, scheme="IOB2", repair=True)


@pytest.fixture
def cache(tmp_path: Path) -> EncodedCache:
    return EncodedCache(tmp_path / "deep" / "encoded")


def test_cache_round_trip(cache: EncodedCache, results: dict[str, ReadResult]) -> None:
    path = cache.path({"train": "00"}, repair=True)
    assert cache.read(path) is None
    assert cache.write(path, results)
    assert cache.read(path) == results
    assert results["train"].mended == 1
    assert [each.name for each in cache.folder.iterdir()] == [path.name]


def test_cache_key(cache: EncodedCache, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = {
        cache.path({"train": "00"}),
        cache.path({"test": "00"}),
        cache.path({"train": "01"}),
        cache.path({"train": "00"}, repair=True),
        cache.path({"train": "00"}, repair=False),
    }
    monkeypatch.setattr(
        "fewshot_metalstm.kinds.tagging.corpora.cache.code_version", lambda: "newer"
    )
    paths.add(cache.path({"train": "00"}))
    assert len(paths) == 6


def test_cache_damage(cache: EncodedCache, results: dict[str, ReadResult]) -> None:
    path = cache.path({})
    cache.write(path, results)
    intact = path.read_bytes()
    for position in range(0, len(intact), 7):
        damaged = bytearray(intact)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        assert cache.read(path) is None
    for content in (b"", intact[:-1], intact[: len(intact) // 2], intact + b"\0"):
        path.write_bytes(content)
        assert cache.read(path) is None
    assert cache.write(path, results)
    assert cache.read(path) == results


def test_cache_foreign_but_intact(cache: EncodedCache, results: dict[str, ReadResult]) -> None:
    import hashlib

    path = cache.path({})
    cache.write(path, results)
    head = path.read_bytes().split(b"\n", 1)[0] + b"\n"
    for body in (b"", b"PK\x03\x04 nonsense", b"\x93NUMPY"):
        path.write_bytes(head + hashlib.sha256(body).digest() + body)
        assert cache.read(path) is None


def test_cache_that_cannot_be_written(tmp_path: Path, results: dict[str, ReadResult]) -> None:
    (tmp_path / "file").touch()
    cache = EncodedCache(tmp_path / "file" / "encoded")
    assert not cache.write(cache.path({}), results)
    assert cache.read(cache.path({})) is None


def test_cache_that_cannot_be_written_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "cache"
    folder.touch()
    for name in ("one", "two"):
        (tmp_path / f"{name}.tsv").write_text(TRAIN.replace("I-Sp", "B-Sp") + name + "\tO\n")
        for _ in range(2):
            assert load_corpus(tmp_path / f"{name}.tsv", cache_dir=folder).splits["train"]
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 1
    assert warnings[0].startswith(
        f"{folder}: what was read is not kept, and is read anew each time"
    )
    assert "FEWSHOT_METALSTM_CACHE" in warnings[0]


tokens = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\t\n\r"), min_size=1).filter(
        lambda token: token.strip() and token != "-DOCSTART-"
    ),
    min_size=1,
    max_size=5,
)


@settings(deadline=None)  # of the disk
@given(sentences=st.lists(tokens, min_size=1, max_size=4))
def test_cache_keeps_any_token(
    tmp_path_factory: pytest.TempPathFactory, sentences: list[list[str]]
) -> None:
    text = "x\tO\n\n" + "\n".join("".join(f"{t}\tS-X\n" for t in each) for each in sentences)
    results = resolve({"train": parse(text.encode(), "text")})
    cache = EncodedCache(tmp_path_factory.getbasetemp() / "any-token")
    path = cache.path({})
    cache.write(path, results)
    assert cache.read(path) == results
