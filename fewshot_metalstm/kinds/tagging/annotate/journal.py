"""An append-only journal: JSON lines, each on the disk before it is acknowledged.

A line holds the number of its entry, so that one that is lost in the middle is noticed. What a
crash leaves of a last line is cut off when the journal is opened, and said: it was never
acknowledged. A line that a full disk cut short is taken back at once, and the next one is tried
anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import CURES, UserError, at

LONGEST = 2**20  # bytes of a line


class NotWritten(UserError):
    """An entry that is not in the journal: the disk is full, say. Nothing has changed."""


class Journal:
    """A journal that is open; one process at a time may hold it (see :mod:`..lock`)."""

    def __init__(self, path: Path) -> None:
        """Open a journal, or make it.

        Raises:
            UserError: it cannot be read or written, or a line before the last is damaged.
        """
        self.path = path
        self.entries: list[dict[str, Any]] = []
        self.cut = 0  # bytes of a torn last line
        try:
            new = not path.exists()
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._size = self._replay(path.read_bytes())
            if new:
                _sync_folder(path.parent)
        except OSError as error:
            raise _problem(path, error) from None

    def _replay(self, data: bytes) -> int:
        """Read the entries and cut a torn last line; the bytes that hold entries."""
        *lines, torn = data.split(b"\n")
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                if not isinstance(entry, dict) or entry.get("n") != number:
                    raise ValueError
            except ValueError:
                problem = "is not the entry that should be there"
                cure = "restore the file from a copy, or cut it before this line"
                raise at(self.path, number, problem, cure) from None
            self.entries.append(entry)
        self.cut = len(torn)
        good = len(data) - self.cut
        if self.cut:
            os.ftruncate(self._file, good)
            os.fsync(self._file)
        return good

    def append(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Add an entry; when this returns it is on the disk.

        Returns:
            The entry with its number.

        Raises:
            NotWritten: there is no room, say; the journal is as it was.
        """
        whole = {"n": len(self.entries) + 1, **entry}
        line = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        if len(line) > LONGEST:
            raise NotWritten("the entry is too long for the journal")
        try:
            # Also what an earlier failure could not take back.
            if os.fstat(self._file).st_size != self._size:
                os.ftruncate(self._file, self._size)
            written = 0
            while written < len(line):
                written += os.write(self._file, line[written:])
            os.fsync(self._file)
        except OSError as error:
            self._take_back()
            raise NotWritten(str(_problem(self.path, error))) from None
        self._size += len(line)
        self.entries.append(whole)
        return whole

    def _take_back(self) -> None:
        with suppress(OSError):  # tried again before the next line
            os.ftruncate(self._file, self._size)
            os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def _problem(path: Path, error: OSError) -> UserError:
    reason = (error.strerror or type(error).__name__).lower()
    cure = CURES.get(error.errno or 0, "check the disk")
    return at(path, None, f"cannot be written ({reason})", cure)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
