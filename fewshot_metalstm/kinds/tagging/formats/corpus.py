"""A corpus of the user's own in any format: its splits read into tokenised sentences."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import at
from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.own_files import own_files
from fewshot_metalstm.kinds.tagging.corpora.sentence import Corpus, Sentence
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.overlaps import ERROR
from fewshot_metalstm.kinds.tagging.formats.registry import detect, find, read_documents
from fewshot_metalstm.kinds.tagging.formats.sentences import to_sentences
from fewshot_metalstm.kinds.tagging.formats.unannotated import SKIP

_COLUMNS = ("conll", "conll-plain", "text")


def in_columns(splits: Mapping[str, Path], format: str | None = None) -> bool:
    """Whether all files are columns, or absent: the corpora's own reader judges these together.

    Raises:
        UserError: a file cannot be read, or is of a kind that is not read here.
    """
    if format is not None:
        return find(format).name in _COLUMNS
    there = [path for path in splits.values() if path.exists()]
    return all(detect(path).name in _COLUMNS for path in there)


def read_corpus(
    source: str,
    *,
    format: str | None = None,
    overlaps: str = ERROR,
    notes: Notes | None = None,
    scheme: str | None = None,
    repair: bool = False,
    bad: BadAnnotations | None = None,
    unannotated: str = SKIP,
) -> Corpus:
    """The corpus of a path: a folder, a file or a list, as in :mod:`~.corpora.own_files`.

    Args:
        format: that of all its files, or None to detect each one's.
        overlaps: the policy for mentions that tags cannot hold.
        notes: counts what was left out, joined and split.
        bad: what becomes of annotations that are wrong; by default the file is refused.
        unannotated: the policy for documents that nobody annotated.
        scheme, repair: of files of columns among them.

    Raises:
        UserError: a file is absent, empty or ill-formed; overlapping mentions under ``error``.
    """
    name, splits = own_files(source)
    notes = Notes() if notes is None else notes
    read: dict[str, tuple[Sentence, ...]] = {}
    for split, path in splits.items():
        chosen = detect(path) if format is None else find(format)
        options: dict[str, Any] = {}
        if chosen.schemed:
            options = {"scheme": scheme, "repair": repair}
        elif scheme is not None:
            chosen.scheme("--scheme", scheme)
        read[split] = tuple(
            placed.sentence
            for document in read_documents(
                path, chosen.name, notes=notes, bad=bad, unannotated=unannotated, **options
            )
            for placed in to_sentences(document, overlaps=overlaps, notes=notes, place=str(path))
        )
        if not read[split]:
            left = notes["unannotated"] + notes["empty_left_out"]
            if left:
                problem = f"holds no annotated sentence ({left} unannotated documents)"
                raise at(path, None, problem, "annotate some, or pass --unannotated negatives")
            raise at(path, None, "holds no sentence", "give annotated text")
    types = {
        tag[2:] for found in read.values() for s in found for tag in s.tags if tag != "O"
    }  # fmt: skip
    digests = {split: digest(path) for split, path in splits.items()}
    return Corpus(name, name, tuple(sorted(types)), read, digests)


def digest(path: Path) -> str:
    """SHA-256 of a file; of a folder, that of the names and contents of the files in it."""
    whole = hashlib.sha256()
    for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
        if file != path:
            whole.update(f"{file.relative_to(path).as_posix()}\0{file.stat().st_size}\0".encode())
        for block in _blocks(file):
            whole.update(block)
    return whole.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with files.opened(path) as stream:
        while block := stream.read(2**20):
            yield block
