"""The catalogue of known corpora: what each holds, whence it comes, how to tell it is unchanged."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from fewshot_metalstm import declarations
from fewshot_metalstm.data.splits import SPLITS
from fewshot_metalstm.declarations import DEFAULT_KIND
from fewshot_metalstm.errors import UserError, at

CATALOGUE_FILE = "catalogue.yaml"
MIRROR_VARIABLE = "FEWSHOT_METALSTM_MIRROR"
"""Environment variable: an address to fetch from in the place of the upstream one."""

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Collection:
    """Corpora of one origin.

    ``url`` is a template with ``{commit}`` and ``{path}``, or with ``{name}``, that of the file
    alone, where upstream has other folders.
    """

    name: str
    commit: str
    url: str
    home: str
    licence: str
    citation: str


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a corpus; what is None is not known (a corpus that the user must bring).

    ``sha256`` is that of the content: of a file whose name ends in ``.gz``, unpacked. ``bytes`` are
    those that are fetched.
    """

    name: str
    sha256: str | None = None
    bytes: int | None = None
    sentences: int | None = None
    mentions: int | None = None
    items: int | None = None

    @property
    def size(self) -> int | None:
        """Sentences or, of a kind that has none, items (images, texts)."""
        return self.items if self.sentences is None else self.sentences


@dataclass(frozen=True, slots=True)
class CorpusEntry:
    """What the catalogue says of a corpus.

    ``folder`` is its POSIX path in the collection. ``scheme`` is the name of a tagging corpus' tag
    scheme, None where it is to be detected.
    ``files`` maps splits to files; one may lack a split, and of another ``kind`` than tagging have
    further files. ``types`` are its entity types, labels or classes. ``bring`` marks one that
    cannot be fetched. ``tag_column`` is the column of a tagging corpus' tags, from 0, or from the
    end when negative, and ``universal`` marks files of CoNLL-U.
    """

    name: str
    collection: Collection
    folder: str
    family: str
    types: tuple[str, ...]
    files: Mapping[str, FileEntry]
    scheme: str | None
    licence: str
    citation: str
    bring: bool = False
    kind: str = DEFAULT_KIND
    tag_column: int = -1
    universal: bool = False

    @property
    def bytes(self) -> int:
        """Size of all files, as far as it is known."""
        return sum(file.bytes or 0 for file in self.files.values())

    def url(self, split: str, mirror: str | None = None) -> str:
        """Where the file of ``split`` is fetched from.

        ``mirror``, else the environment's ``FEWSHOT_METALSTM_MIRROR``, is an address laid out
        like the collection; without either it is the upstream at the pinned commit.
        """
        name = self.files[split].name
        path = str(PurePosixPath(self.folder) / name)
        mirror = mirror or os.environ.get(MIRROR_VARIABLE)
        if mirror:
            return f"{mirror.rstrip('/')}/{path}"
        return self.collection.url.format(commit=self.collection.commit, path=path, name=name)


class Catalogue:
    """The known corpora by name, in the order of their declaration."""

    def __init__(self, entries: Mapping[str, CorpusEntry]) -> None:
        self._entries = dict(entries)

    @classmethod
    def load(cls, path: Path | None = None, kind: str | None = DEFAULT_KIND) -> Catalogue:
        """Read the package's declaration, or the file ``path``.

        Only corpora of ``kind`` are in it; with None, those of every kind.

        Raises :class:`UserError` for a file that cannot be read or is not a catalogue.
        """
        import yaml

        path = path or declarations.folder() / CATALOGUE_FILE
        try:
            data = declarations.read_yaml(path)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())
            raise at(path, None, f"cannot be read ({reason})", "restore the file") from None
        if not isinstance(data, dict) or data.get("format") != _FORMAT:
            raise at(path, None, f"is no catalogue of format {_FORMAT}", "restore the file")
        try:
            entries = _entries(data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise at(path, None, f"is not a catalogue ({reason})", "restore the file") from None
        return cls({n: entry for n, entry in entries.items() if kind in (None, entry.kind)})

    def __getitem__(self, name: str) -> CorpusEntry:
        """The corpus called ``name``; a :class:`UserError` with the nearest names if none is."""
        try:
            return self._entries[name]
        except KeyError:
            raise self.unknown(name) from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def values(self) -> tuple[CorpusEntry, ...]:
        """All corpora, in the order of their declaration."""
        return tuple(self._entries.values())

    def unknown(self, name: str, others: Iterable[str] = ()) -> UserError:
        """The error for a name that is neither in the catalogue nor one of ``others``."""
        lowered = {known.lower(): known for known in (*self._entries, *others)}
        near = difflib.get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)
        cure = (
            f"did you mean {' or '.join(lowered[word] for word in near)}?"
            if near
            else "`fewshot-metalstm data list` shows those that there are"
        )
        return UserError(f"there is no corpus {name!r} in the catalogue; {cure}")

    def by_digest(self, sha256: str) -> CorpusEntry | None:
        """The first corpus that one file with this digest belongs to."""
        for entry in self._entries.values():
            if any(file.sha256 == sha256 for file in entry.files.values()):
                return entry
        return None


def _entries(data: Mapping[str, Any]) -> dict[str, CorpusEntry]:
    collections = {
        name: Collection(name=name, **{key: str(value) for key, value in fields.items()})
        for name, fields in data["collections"].items()
    }
    entries: dict[str, CorpusEntry] = {}
    for name, fields in data["corpora"].items():
        collection = collections[fields["collection"]]
        kind = str(fields.get("kind", DEFAULT_KIND))
        named = tuple(fields["files"])
        if kind == DEFAULT_KIND:
            named = tuple(split for split in SPLITS if split in named)
        files = {split: FileEntry(**fields["files"][split]) for split in named}
        scheme = fields.get("scheme")
        entries[name] = CorpusEntry(
            name=name,
            collection=collection,
            folder=fields["folder"],
            family=fields["family"],
            types=tuple(fields["types"]),
            files=files,
            scheme=None if scheme is None else str(scheme),
            licence=fields.get("licence", collection.licence),
            citation=fields["citation"],
            bring=bool(fields.get("bring", False)),
            kind=kind,
            tag_column=int(fields.get("tag_column", -1)),
            universal=bool(fields.get("universal", False)),
        )
    return entries
