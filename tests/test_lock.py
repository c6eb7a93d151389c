"""The lock of a folder: who holds it, and that it ends with its process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.jobs.folder import claimed
from fewshot_metalstm.lock import LOCK, Busy, holds_nothing, locked, purpose
from fewshot_metalstm.runs import claim, fresh, run_folder

HOLD = """
import sys, time
from pathlib import Path
from fewshot_metalstm.lock import locked
with locked(Path(sys.argv[1]), "the run"):
    print("run_folder", flush=True)
    time.sleep(60)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    """A process that holds the lock of ``folder``."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "run_folder\n"
    return process


def test_the_other_process_is_named_and_its_death_frees_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    process = holder(folder)
    try:
        with pytest.raises(Busy) as refused, locked(folder, "the report"):
            pass
        line = str(refused.value)
        assert "another process is writing the run there" in line
        assert f"(process {process.pid} on " in line
        assert "wait for it, or name another folder" in line
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=300)
    assert (folder / LOCK).is_file(), "kill -9 leaves the file, which locks nothing"
    assert holds_nothing(folder)
    with locked(folder, "the report"):
        assert json.loads((folder / LOCK).read_text())["process"] == os.getpid()
    assert not (folder / LOCK).exists()


def test_nothing_is_left_of_a_folder_that_got_nothing(tmp_path: Path) -> None:
    with locked(tmp_path / "new", "x"):
        assert (tmp_path / "new").is_dir()
    assert list(tmp_path.iterdir()) == []
    with locked(tmp_path / "new", "x"):
        (tmp_path / "new" / "file").touch()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file"]


def test_it_holds_within_a_process_too(tmp_path: Path) -> None:
    with locked(tmp_path, "x"), pytest.raises(Busy), locked(tmp_path, "x"):
        pass


def test_the_folder_of_another_command_is_left_alone(tmp_path: Path) -> None:
    with claimed(tmp_path, "the sweep"):
        (tmp_path / "cells").mkdir()
    for take in (locked, claimed):
        with pytest.raises(UserError, match="holds other files"), take(tmp_path, "the run"):
            pass
    with claimed(tmp_path, "the sweep"):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with (
            pytest.raises(UserError, match=r"cannot be written \(permission denied\); name"),
            locked(tmp_path / "x", "the run"),
        ):
            pass
    finally:
        tmp_path.chmod(0o700)


def test_a_run_is_held_and_a_default_folder_is_not_shared(tmp_path: Path) -> None:
    process = holder(tmp_path / "a")
    try:
        assert fresh("a", tmp_path) == tmp_path / "a", "nothing is in it yet"
        with run_folder(None, "a", "the run", folder=tmp_path) as place:
            assert place == tmp_path / "a-2"
            (place / "file").touch()
        with pytest.raises(Busy), run_folder(tmp_path / "a", "", "the run"):
            pass
    finally:
        process.kill()
        process.communicate(timeout=300)
    claim(tmp_path / "a", "the run")
    with (
        pytest.raises(UserError, match="holds a run already"),
        run_folder(tmp_path / "a-2", "", "x"),
    ):
        pass
    with run_folder(tmp_path / "a-2", "", "the run", resume=True):
        pass
    with run_folder(None, "a", "the run", folder=tmp_path) as place:
        assert place == tmp_path / "a"


def test_many_that_start_at_once_get_folders_of_their_own(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from fewshot_metalstm.runs import run_folder\n"
        "with run_folder(None, 'a', 'x', folder=Path(sys.argv[1])) as place:\n"
        "    (place / 'file').touch(); print(place.name)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    names = [process.communicate(timeout=300)[0].strip() for process in processes]
    assert sorted(names) == ["a", *(f"a-{n}" for n in range(2, 7))]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path, there: bool) -> None:
    precious = tmp_path / "precious.txt"
    if there:
        precious.write_text('{"what": "the run"}')
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / LOCK).symlink_to(precious)
    with (
        pytest.raises(UserError, match=r"is a link or a device, .*; remove it"),
        locked(folder, "the run"),
    ):
        pass
    assert purpose(folder) is None
    assert precious.exists() == there
    assert not there or precious.read_text() == '{"what": "the run"}'


def test_a_pipe_in_place_of_the_lock_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / LOCK)
    assert purpose(tmp_path) is None
    with pytest.raises(UserError, match="is a link or a device"), locked(tmp_path, "the run"):
        pass
