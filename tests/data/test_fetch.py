"""Fetching from a local server that breaks off, lies and refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fewshot_metalstm.data.fetch import Fetched, Patience, fetch
from fewshot_metalstm.errors import UserError
from tests.kinds.tagging.corpora.builders import FILES, Server, entry, serving

TRAIN = "/data/tiny-IOBES/train.tsv"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    files = {f"/data/tiny-IOBES/{split}.tsv": text for split, text in FILES.items()}
    with serving(files) as server:
        yield server


def run(server: Server, dest: Path, attempts: int = 3) -> tuple[Fetched, list[int], list[float]]:
    came: list[int] = []
    waits: list[float] = []
    result = fetch(
        entry(),
        dest,
        progress=came.append,
        mirror=server.address,
        patience=Patience(attempts=attempts, timeout=5),
        sleep=waits.append,
    )
    return result, came, waits


def assert_complete(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} >= {f"{split}.tsv" for split in FILES}
    for split, text in FILES.items():
        assert (folder / f"{split}.tsv").read_bytes() == text
    assert not list(folder.glob("*.part"))


def test_fetch_gets_all_and_then_nothing(server: Server, tmp_path: Path) -> None:
    result, came, waits = run(server, tmp_path)
    assert result.folder == tmp_path / "col/data/tiny-IOBES"
    assert result.fetched == ("train.tsv", "devel.tsv", "test.tsv")
    assert sum(came) == result.bytes == sum(map(len, FILES.values()))
    assert waits == []
    assert_complete(result.folder)
    asked = len(server.asked)
    again, came, _ = run(server, tmp_path)
    assert (again.fetched, len(again.present), sum(came)) == ((), 3, result.bytes)
    assert len(server.asked) == asked


def test_fetch_retries_with_longer_waits(server: Server, tmp_path: Path) -> None:
    server.faults = ["503", "429"]
    result, came, waits = run(server, tmp_path)
    assert waits == [1.0, 2.0]
    assert sum(came) == result.bytes
    assert_complete(result.folder)


def test_fetch_goes_on_after_a_break(server: Server, tmp_path: Path) -> None:
    server.faults = ["break"]
    result, came, _ = run(server, tmp_path)
    half = len(FILES["train"]) // 2
    assert server.asked[:2] == [(TRAIN, None), (TRAIN, f"bytes={half}-")]
    assert sum(came) == result.bytes
    assert_complete(result.folder)


def test_fetch_goes_on_in_a_later_call(server: Server, tmp_path: Path) -> None:
    server.faults = ["break"]
    with pytest.raises(UserError, match=r"ended after 430 of 860 bytes, after 1 try; .*type the"):
        run(server, tmp_path, attempts=1)
    folder = tmp_path / "col/data/tiny-IOBES"
    assert [path.name for path in folder.iterdir()] == ["train.tsv.part"]
    server.asked.clear()
    result, came, _ = run(server, tmp_path, attempts=1)
    assert server.asked[0] == (TRAIN, "bytes=430-")
    assert sum(came) == result.bytes
    assert_complete(folder)


def test_fetch_begins_again_without_ranges(server: Server, tmp_path: Path) -> None:
    server.faults = ["break", "no range"]
    result, came, _ = run(server, tmp_path)
    assert sum(came) == result.bytes
    assert_complete(result.folder)


@pytest.mark.parametrize("content", [b"\0" * 100, b"\0" * 860, b"\0" * 9999])
def test_fetch_believes_no_damaged_part(server: Server, tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "col/data/tiny-IOBES"
    folder.mkdir(parents=True)
    (folder / "train.tsv.part").write_bytes(content)
    result, came, _ = run(server, tmp_path)
    assert sum(came) == result.bytes
    assert_complete(folder)


def test_fetch_refuses_corrupt_content(server: Server, tmp_path: Path) -> None:
    server.faults = ["corrupt", "corrupt"]
    with pytest.raises(
        UserError, match=r"train.tsv: what came is not the file .*SHA-256.*after 2 tries"
    ):
        run(server, tmp_path, attempts=2)
    assert list((tmp_path / "col/data/tiny-IOBES").iterdir()) == []
    server.faults = ["corrupt"]
    assert_complete(run(server, tmp_path)[0].folder)


def test_fetch_gives_up_at_once_where_there_is_nothing(server: Server, tmp_path: Path) -> None:
    del server.files[TRAIN]
    with pytest.raises(UserError, match=rf"{server.address}{TRAIN}: the server answers 404 .*MIRR"):
        run(server, tmp_path)
    assert server.paths() == [TRAIN]


def test_fetch_without_a_server(tmp_path: Path) -> None:
    with serving({}) as gone:
        pass
    with pytest.raises(
        UserError, match=r"no answer .*refused.*after 2 tries; check the connection"
    ):
        run(gone, tmp_path, attempts=2)


def test_fetch_mirror_that_is_no_address(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is no address .*mend FEWSHOT_METALSTM_MIRROR"):
        run(Server(address="nonsense"), tmp_path)


def test_fetch_keeps_what_it_replaces(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "data/tiny-IOBES"  # as in a git clone
    folder.mkdir(parents=True)
    (folder / "train.tsv").write_text("mine\tO\n")
    (folder / "test.tsv").write_bytes(FILES["test"].replace(b"\n", b"\r\n"))  # the same text
    result, _, _ = run(server, tmp_path)
    assert result.folder == folder
    assert result.fetched == ("train.tsv", "devel.tsv")
    assert (folder / "train.tsv.replaced").read_text() == "mine\tO\n"
    assert (folder / "train.tsv").read_bytes() == FILES["train"]


def test_fetch_what_the_user_must_bring(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"brought: it is not fetched .*put train.tsv, devel.tsv"):
        fetch(entry("brought", bring=True), tmp_path)


def test_fetch_into_a_file(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"train.tsv: cannot be written \(Not a dir.*--data-dir"):
        run(server, tmp_path / "file")
