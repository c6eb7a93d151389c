"""A folder of texts and annotations, on disk or in a zip archive, as names and their bytes.

An archive is read in memory and nothing is unpacked onto the disk. It is untrusted: absolute paths,
``..``, links, encrypted files and too many or too large ones are refused; what is read of a file
is bounded by what the archive's list says of it and by ``MAX_DOCUMENT``.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.formats import files

MAX_FILES = 200_000
MAX_UNPACKED = 2**30  # bytes of all files of an archive


class Folder(Protocol):
    """Files by their names, which are paths with ``/`` below the folder."""

    names: list[str]

    def read(self, name: str) -> bytes:
        """The bytes of a file."""

    def place(self, name: str) -> Path:
        """Where a file is, for messages."""


class OnDisk:
    """A folder and those below it, without what is hidden: an editor's, or half-written."""

    def __init__(self, path: Path, suffixes: tuple[str, ...]) -> None:
        self._path = path
        found = (each for suffix in suffixes for each in path.rglob(f"*{suffix}"))
        names = (each.relative_to(path) for each in found if each.is_file())
        self.names = sorted(name.as_posix() for name in names if not _hidden(name.parts))

    def read(self, name: str) -> bytes:
        """See :class:`Folder`."""
        return files.read_bytes(self._path / name)

    def place(self, name: str) -> Path:
        """See :class:`Folder`."""
        return self._path / name


class Zipped:
    """The files of a zip archive."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, suffixes: tuple[str, ...]) -> None:
        self._path, self._archive = path, archive
        infos = archive.infolist()
        size = sum(info.file_size for info in infos)
        if len(infos) > MAX_FILES or size > MAX_UNPACKED:
            problem = f"unpacks to more than {MAX_UNPACKED >> 20} MiB or {MAX_FILES} files"
            raise at(path, None, problem, "split it")
        self._infos = {info.filename: info for info in infos if self._is_wanted(info, suffixes)}
        self.names = sorted(self._infos)

    def _is_wanted(self, info: zipfile.ZipInfo, suffixes: tuple[str, ...]) -> bool:
        name = info.filename
        parts = PurePosixPath(name).parts
        shown = name[:80].encode("utf-8", "replace").decode()
        if name.startswith("/") or ".." in parts or "\\" in name or ":" in name.split("/")[0]:
            raise at(self._path, None, f"holds {shown!r}, a path that leads out of it", "pack anew")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise at(self._path, None, f"holds the link {shown!r}", "pack it anew without links")
        hidden = _hidden(parts) or parts[:1] == ("__MACOSX",)
        return not info.is_dir() and not hidden and name.endswith(suffixes)

    def read(self, name: str) -> bytes:
        """See :class:`Folder`."""
        info = self._infos[name]
        try:
            with self._archive.open(info) as stream:
                data = stream.read(files.MAX_DOCUMENT + 1)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError,
                NotImplementedError, ValueError) as error:  # fmt: skip
            reason = " ".join(str(error).split())[:80] or type(error).__name__
            raise at(
                self.place(name), None, f"cannot be unpacked ({reason})", "pack anew"
            ) from None
        if len(data) > files.MAX_DOCUMENT:
            problem = f"is larger than {files.MAX_DOCUMENT >> 20} MiB"
            raise at(self.place(name), None, problem, "split it")
        return data

    def place(self, name: str) -> Path:
        """See :class:`Folder`."""
        return self._path / name


@contextmanager
def opened_folder(path: Path, suffixes: tuple[str, ...]) -> Iterator[Folder]:
    """The files of a folder or a zip archive whose names end in one of ``suffixes``.

    Raises:
        UserError: the archive is none, or is not to be trusted.
    """
    if path.is_dir():
        yield OnDisk(path, suffixes)
        return
    with files.opened(path) as stream:
        try:
            archive = zipfile.ZipFile(stream)
        except Exception as error:  # of many kinds, for what is damaged
            raise _no_archive(path, error) from None
        with archive:
            yield Zipped(path, archive, suffixes)


def _no_archive(path: Path, error: Exception) -> UserError:
    reason = " ".join(str(error).split())[:80] or type(error).__name__
    return at(path, None, f"is no zip archive that can be read ({reason})", "pack it anew")


def _hidden(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") for part in parts)
