"""The journal: what is acknowledged stays, what is torn is cut, a full disk changes nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.annotate.journal import Journal, NotWritten
from tests.kinds.tagging.annotate.kills import kill_writers


def test_what_is_appended_is_read_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    for word in ("a", "ß\u2028", "c\n"):
        journal.append({"do": word})
    journal.close()
    again = Journal(tmp_path / "j")
    assert [each["do"] for each in again.entries] == ["a", "ß\u2028", "c\n"]
    assert [each["n"] for each in again.entries] == [1, 2, 3]
    assert again.cut == 0
    assert again.append({"do": "d"})["n"] == 4
    again.close()


@pytest.mark.parametrize("torn", [b"{", b'{"n":3,"do":"c"}', b"\0\0\0", "ß".encode()[:1]])
def test_a_torn_last_line_is_cut(tmp_path: Path, torn: bytes) -> None:
    """Also one that is whole but for its end: nobody was told that it was written."""
    place = tmp_path / "j"
    whole = b'{"n":1,"do":"a"}\n{"n":2,"do":"b"}\n'
    place.write_bytes(whole + torn)
    journal = Journal(place)
    assert (len(journal.entries), journal.cut) == (2, len(torn))
    assert place.read_bytes() == whole
    journal.append({"do": "c"})
    journal.close()
    assert [each["do"] for each in Journal(place).entries] == ["a", "b", "c"]


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b'{"n":1,"do":"a"}\n', b"[2]\n", b"nonsense\n"])
def test_damage_before_the_end_is_refused(tmp_path: Path, line: bytes) -> None:
    place = tmp_path / "j"
    place.write_bytes(b'{"n":1,"do":"a"}\n' + line + b'{"n":3,"do":"c"}\n')
    with pytest.raises(UserError, match="j:2: is not the entry"):
        Journal(place)
    assert place.stat().st_size > 30  # and left as it is


@pytest.mark.parametrize("when", ["write", "fsync"])
def test_a_full_disk_takes_nothing_and_then_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    place = tmp_path / "j"
    journal = Journal(place)
    journal.append({"do": "a"})
    before, write, sync = place.read_bytes(), os.write, os.fsync

    def half(descriptor: int, data: bytes) -> int:
        write(descriptor, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    def never(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, when, half if when == "write" else never)
        with pytest.raises(NotWritten, match="cannot be written"):
            journal.append({"do": "lost"})
    assert sync is os.fsync
    assert place.read_bytes() == before
    journal.append({"do": "b"})
    journal.close()
    assert [each["do"] for each in Journal(place).entries] == ["a", "b"]


def test_what_could_not_be_taken_back_is_before_the_next_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "j"
    journal = Journal(place)

    def fail(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        patch.setattr(os, "ftruncate", fail)
        with pytest.raises(NotWritten):
            journal.append({"do": "lost"})
        assert place.stat().st_size > 0
    assert write is os.write
    journal.append({"do": "a"})
    journal.close()
    assert [each["do"] for each in Journal(place).entries] == ["a"]


def test_a_bound_on_the_size_of_files_is_a_full_disk(tmp_path: Path) -> None:
    import resource
    import signal

    journal = Journal(tmp_path / "j")
    journal.append({"do": "a"})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handled = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30, before[1]))
        with pytest.raises(NotWritten, match="file too large"):
            journal.append({"do": "b" * 20})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handled)
    journal.append({"do": "b"})
    assert [each["do"] for each in Journal(tmp_path / "j").entries] == ["a", "b"]


def test_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """A few here; ``python -m tests.kinds.tagging.annotate.kills`` does 200."""
    done = kill_writers(tmp_path / "project", 3, seed=1)
    assert done.kills == 3
    assert done.acknowledged > 0
