"""Files and folders that are there when they are whole, and what a failed write says."""

from __future__ import annotations

import csv
import errno
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.writing import beside, refuse_inputs, table_text, write_text, writing

WRITE = """
import sys, time
from pathlib import Path
from fewshot_metalstm.writing import beside
with beside(Path(sys.argv[1])) as part:
    part.write_text("half")
    print("at work", flush=True)
    time.sleep(60)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    write_text("old", path)
    with pytest.raises(UnicodeEncodeError), beside(path) as part:
        part.write_text("new \ud800", encoding="utf-8")
    assert path.read_text() == "old"
    write_text("new", path)
    assert path.read_text() == "new"
    with beside(tmp_path / "folder") as part:
        part.mkdir()
        (part / "x").touch()
        assert not (tmp_path / "folder").exists()
    assert names(tmp_path / "folder") == ["x"]
    assert names(tmp_path) == ["deep", "folder"]
    assert names(path.parent) == ["a.txt"]


def test_what_is_read_is_not_written_over(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    for name in ("a.txt", "deep/b.ann", "found.xml"):
        write_text("", folder / name)
    for name in ("a.txt", "deep/b.ann"):
        for read in (folder, folder / name):
            with pytest.raises(UserError, match="is what is read; name another place"):
                refuse_inputs(folder / name, [tmp_path / "none", read])
    refuse_inputs(folder / "found.xml", [folder])
    refuse_inputs(folder / "new.txt", [folder])
    refuse_inputs(folder / "a.txt", [folder / "deep"])


def test_what_the_dead_left_is_removed_and_the_living_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "out"
    other = tmp_path / ".out.txt.12345678.part"  # of a file of another name
    other.mkdir()
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITE, str(path)], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == b"at work\n"
        write_text("whole", path)
        assert len(names(tmp_path)) == 4, "both are still at work"
        processes[0].send_signal(signal.SIGKILL)
        processes[0].communicate(timeout=60)
        write_text("again", path)
        assert len(names(tmp_path)) == 3
    finally:
        for process in processes:
            process.kill()
            process.communicate(timeout=60)
    write_text("last", path)
    assert names(tmp_path) == [other.name, "out"]
    assert path.read_text() == "last"


def test_many_writers_of_one_file(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from fewshot_metalstm.writing import write_text\n"
        "for _ in range(50): write_text(sys.argv[2] * 5000, Path(sys.argv[1]))"
    )
    place = tmp_path / "file"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(place), letter]) for letter in "abcd"
    ]
    assert [process.wait(timeout=120) for process in processes] == [0] * 4
    assert place.read_text() in [letter * 5000 for letter in "abcd"]
    assert names(tmp_path) == ["file"]


def safetensors_error(text: str) -> Exception:
    from safetensors import SafetensorError

    return SafetensorError(text)


def test_a_failed_write_names_the_place_and_the_cure(tmp_path: Path) -> None:
    place = tmp_path / "out"
    full = r"cannot be written \(no space left on device\); free some space or choose another place"
    for error, says in (
        (OSError(errno.ENOSPC, "full"), full),
        (safetensors_error("I/O error: No space left on device (os error 28)"), full),
        (safetensors_error("Error while serializing: IoError(Os { code: 28, kind: x })"), full),
        (OSError(errno.EFBIG, "too large"), r"\(file too large\); raise the limit"),
        (PermissionError(errno.EACCES, "no", str(place / "x")), r"\(permission denied\); change"),
        (OSError(errno.EROFS, "ro", str(tmp_path)), r"\(read-only file system\); choose a place"),
    ):
        with pytest.raises(UserError, match=says) as raised, writing(place):
            raise error
        assert str(raised.value).startswith(f"{place}: ")


def test_errors_of_other_places_pass(tmp_path: Path) -> None:
    for error in (
        PermissionError(errno.EACCES, "no", str(tmp_path / "input")),
        FileNotFoundError(errno.ENOENT, "none", str(tmp_path / "out" / "x")),
        OSError("no number"),
        safetensors_error("header too small"),
        UserError("said already"),
    ):
        with pytest.raises(type(error)) as raised, writing(tmp_path / "out"):
            raise error
        assert raised.value is error


def test_a_text_in_a_new_folder_and_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "text"
    write_text("é\n", path)
    write_text("b\n", path)
    assert path.read_bytes() == b"b\n"
    assert [f.name for f in path.parent.iterdir()] == ["text"]


def test_a_device_or_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link, Path("/dev/null")):
        before = path.lstat()
        with pytest.raises(UserError, match=r"is a device or a pipe, .*; name a file"):
            write_text("x", path)
        assert os.path.samestat(path.lstat(), before)
    assert names(tmp_path) == ["link", "pipe"]


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_a_table_comes_back_whatever_its_cells_hold(delimiter: str) -> None:
    rows = [
        ["text", "n"],
        ["a\rb", "1"],
        ["a\r\nb\n", "2"],
        [' "x",\t', "3"],
        ["\r\n", "\r"],
        ["", ""],
    ]
    text = table_text(rows, delimiter)
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)) == rows
    assert text.startswith(f'text{delimiter}n\n"a\rb"{delimiter}1\n')
