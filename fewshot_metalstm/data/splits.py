"""The splits of a data set, and a user's own files named as such: ``train=FILE,test=FILE``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from fewshot_metalstm.errors import UserError

SPLITS = ("train", "devel", "test")
"""In this order wherever they are shown."""

WORDS: Mapping[str, str] = MappingProxyType({
    "train": "train",
    "training": "train",
    "devel": "devel",
    "dev": "devel",
    "valid": "devel",
    "val": "devel",
    "validation": "devel",
    "test": "test",
})  # fmt: skip
"""What people call them in names of files, and which split each word means."""

CURE = "name the files as train=FILE,devel=FILE,test=FILE"
_LIST = re.compile(rf"(?:{'|'.join(WORDS)})=.+")


def in_order(files: Mapping[str, Path]) -> dict[str, Path]:
    """``files`` by split, in the order of :data:`SPLITS`."""
    return {split: files[split] for split in SPLITS if split in files}


def is_list(source: str) -> bool:
    """Whether ``source`` looks like ``train=FILE,test=FILE``."""
    return _LIST.match(source) is not None


def listed(source: str) -> tuple[str, dict[str, Path]]:
    """A name and the files by split of ``train=FILE,test=FILE``; the files may be absent.

    Raises :class:`UserError` for a part that is none, and for a split that is named twice.
    """
    files: dict[str, Path] = {}
    for part in source.split(","):
        word, _, name = part.partition("=")
        split = WORDS.get(word.strip().lower())
        if split is None or not name or split in files:
            raise UserError(f"{source}: cannot read {part!r}; {CURE}")
        files[split] = Path(name).expanduser()
    files = in_order(files)
    first = next(iter(files.values()))
    # train.tsv says little: its folder's name says more
    bare = first.stem.lower() in WORDS
    name = first.resolve().parent.name if bare else first.stem
    return name, files
