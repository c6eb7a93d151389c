"""Encoded corpora on disk: reading them again costs a tenth of parsing the text.

An entry is a file named by its key: a digest of the source files' SHA-256, the reading options
and the code that reads. It holds a line of magic, a SHA-256 of all that follows, and arrays in
NumPy's npz format (never pickled). What is damaged, foreign or of another version is treated as
absent, and what cannot be written is left unwritten, with one warning: the cache is never a
reason to fail.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from fewshot_metalstm.data.locate import CACHE_VARIABLE
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.reader import ReadResult
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.writing import beside

_MAGIC = b"fewshot-metalstm encoded corpus 1\n"
_DIGEST_BYTES = 32
_log = logging.getLogger(__name__)
_CODE = ("bad.py", "cache.py", "columns.py", "reader.py", "schemes.py", "sentence.py",
         "universal.py")  # fmt: skip


@dataclass(frozen=True)
class EncodedCache:
    """Encoded corpora in ``folder`` (created when something is written)."""

    folder: Path

    def path(self, digests: Mapping[str, str], **options: object) -> Path:
        """The file of the corpus whose splits have these SHA-256, read with ``options``."""
        key = json.dumps([code_version(), dict(digests), options], sort_keys=True, default=str)
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:40]}.corpus"

    def read(self, path: Path) -> dict[str, ReadResult] | None:
        """The entry at ``path``, or None when it is absent or not to be believed."""
        try:
            data = path.read_bytes()
        except OSError:
            return None
        body = memoryview(data)[len(_MAGIC) + _DIGEST_BYTES :]
        digest = hashlib.sha256(body).digest()
        if data[: len(_MAGIC) + _DIGEST_BYTES] != _MAGIC + digest:
            return None
        try:
            return _decode(bytes(body))
        except (LookupError, ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile):
            return None  # intact bytes of a layout that this code does not know

    def write(self, path: Path, results: Mapping[str, ReadResult]) -> bool:
        """Store ``results`` at ``path``, all or nothing; False, and a warning, if it cannot be."""
        body = _encode(results)
        try:
            with beside(path) as part, part.open("wb") as stream:
                stream.write(_MAGIC + hashlib.sha256(body).digest())
                stream.write(body)
        except (UserError, OSError) as problem:
            error = problem.__cause__ or problem
            _warn(self.folder, getattr(error, "strerror", None) or str(error))
            return False
        return True


@cache  # once a folder and process, however many corpora are read
def _warn(folder: Path, problem: str) -> None:
    _log.warning(
        "%s: what was read is not kept, and is read anew each time (%s); free some space, or "
        "name another folder with %s", folder, problem, CACHE_VARIABLE,
    )  # fmt: skip


@cache
def code_version() -> str:
    """A digest of the code that turns files into sentences."""
    digest = hashlib.sha256(_MAGIC)
    for name in _CODE:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()


def _encode(results: Mapping[str, ReadResult]) -> bytes:
    vocabulary: dict[str, int] = {}
    tags: dict[str, int] = {}
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    splits: dict[str, Any] = {}
    for split, result in results.items():
        sentences = result.sentences
        tokens = [vocabulary.setdefault(t, len(vocabulary)) for s in sentences for t in s.tokens]
        labels = [tags.setdefault(t, len(tags)) for s in sentences for t in s.tags]
        arrays[f"{split}.lengths"] = np.array([len(s) for s in sentences], np.int32)
        arrays[f"{split}.tokens"] = np.array(tokens, np.int32)
        arrays[f"{split}.tags"] = np.array(labels, np.int32)
        splits[split] = {
            "scheme": result.scheme.value,
            "mended": result.mended,
            "types": result.types,
            "comments": result.comments,
        }
    header = json.dumps({"splits": splits, "tags": list(tags)}).encode()
    arrays["header"] = np.frombuffer(header, np.uint8)
    # no token holds a line break, so that one separates them; surrogates cannot occur in UTF-8
    arrays["vocabulary"] = np.frombuffer("\n".join(vocabulary).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _decode(body: bytes) -> dict[str, ReadResult]:
    with np.load(io.BytesIO(body), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    header = json.loads(arrays["header"].tobytes())
    words = [sys.intern(word) for word in arrays["vocabulary"].tobytes().decode().split("\n")]
    tags = [sys.intern(tag) for tag in header["tags"]]
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}  # most tag sequences occur many times
    results: dict[str, ReadResult] = {}
    for split, fields in header["splits"].items():
        all_tokens = tuple(map(words.__getitem__, arrays[f"{split}.tokens"].tolist()))
        all_tags = tuple(map(tags.__getitem__, arrays[f"{split}.tags"].tolist()))
        ends = accumulate(arrays[f"{split}.lengths"].tolist(), initial=0)
        sentences = []
        for start, end in pairwise(ends):
            labels = all_tags[start:end]
            sentences.append(Sentence(all_tokens[start:end], shared.setdefault(labels, labels)))
        results[split] = ReadResult(
            tuple(sentences),
            Scheme(fields["scheme"]),
            int(fields["mended"]),
            tuple(fields["types"]),
            int(fields["comments"]),
        )
    return results
