"""Full disks and folders that cannot be written to: one line, and old files as they were.

The disk is a small tmpfs, where the tests may mount one. Everywhere a bound on the size of files
fails the write of whatever is larger, in the middle, and modes forbid writing.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.builders import adapt, meta_train, settings
from tests.crashes import Crashing, Ended, crashing
from tests.kills import Kills, Made, content
from tests.kinds.tagging.corpora.builders import FILES, serving

pytestmark = pytest.mark.xdist_group("kills")
SIZE = 16 * 2**20
CURES = ("free some space", "ulimit -f", "change its permissions", "another folder for",
         "with --tracking-uri")  # fmt: skip


def sweep(made: Made, place: Path) -> list[str]:
    return ["sweep", "--targets", "demo-species", "--shots", "5", "--draws", "0", "--methods",
            "meta", "--checkpoint", str(made.run), "--output", str(place), "--runner", "pool",
            "--workers", "1", "--no-tracking", "--quiet",
            *settings(["adapt.epochs=1", "adapt.min_steps=2", "adapt.averages=1"])]  # fmt: skip


COMMANDS: dict[str, Callable[[Made, Path], list[str]]] = {
    "meta-train": lambda made, place: meta_train(place / "run", "--quiet"),
    "adapt": lambda made, place: adapt(
        place / "run", "--checkpoint", str(made.run), "--draws", "1", "--quiet"
    ),
    "sweep": lambda made, place: sweep(made, place / "sweep"),
    "convert": lambda made, place: ["convert", str(made.text), str(place / "out.xml")],
    "convert-folder": lambda made, place: [
        "convert", str(made.text), str(place / "brat"), "--to", "brat",
    ],
    "convert-parquet": lambda made, place: ["convert", str(made.text), str(place / "x.parquet")],
    "predict": lambda made, place: [
        "predict", made.tagger, str(made.text), "--output", str(place / "out.jsonl"),
    ],
    "view": lambda made, place: [
        "view", made.tagger, str(made.text), "--html", str(place / "page.html"), "--quiet",
    ],
    "report": lambda made, place: [
        "report", str(made.adapted), "--no-taggers", "--html", str(place / "page.html"), "--quiet",
    ],
    "report-png": lambda made, place: [
        "report", str(made.adapted), "--no-taggers", "--png", str(place / "pictures"), "--quiet",
    ],
    "init": lambda made, place: ["init", str(place / "project")],
    "pack": lambda made, place: ["pack", str(made.run), "--output", str(place / "small")],
    "register": lambda made, place: ["register", made.tagger, "--tracking-uri", str(place)],
}  # fmt: skip


@pytest.fixture(scope="module")
def forks(kills: Kills) -> Crashing:
    return kills.forks


@pytest.fixture(scope="module")
def made(kills: Kills) -> Made:
    return kills.made


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path_factory.mktemp("disk") / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no tmpfs can be mounted here, as root may; the bound on files is tested")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def refused_whole(ended: Ended, place: Path, before: dict[str, bytes]) -> None:
    """A command that was refused with one line, and harmed nothing."""
    assert ended.code == 2, ended
    assert "Traceback" not in ended.err, ended.err
    lines = ended.err.splitlines()
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("error: "), lines
    # The pictures of a report are drawn in the system's own folder of temporary files.
    assert str(place) in lines[0] or "picture.svg: " in lines[0], lines
    assert any(cure in lines[0] for cure in CURES), lines
    after = content(place)
    assert {name: after.get(name) for name in before} == before
    assert not list(place.rglob(".*.part")), "nothing half-written is left"


def fill(folder: Path, room: int) -> Path:
    """Fill a disk but for ``room`` bytes."""
    filler = folder / "filler"
    free = shutil.disk_usage(folder).free
    with filler.open("wb") as file:
        file.write(bytes(max(0, free - room)))
    return filler


def earlier(folder: Path) -> dict[str, bytes]:
    """Files that stand where the commands write, and beside; their content."""
    folder.mkdir(exist_ok=True)
    for name in ("old.txt", "out.xml", "x.parquet", "out.jsonl", "page.html"):
        (folder / name).write_text("what was here before\n")
    return content(folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_full_disk(forks: Crashing, made: Made, disk: Path, name: str) -> None:
    for room in (0, 8 * 1024):
        place = disk / f"{name}-{room}"
        before = earlier(place)
        filler = fill(disk, room)
        try:
            ended = forks.run(COMMANDS[name](made, place), disk)
            refused_whole(ended, place, before)
        finally:
            filler.unlink()
            shutil.rmtree(place)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "room"),
    [("meta-train", 24), ("sweep", 24), ("convert-folder", 8), ("predict", 4), ("init", 4)],
)
def test_when_there_is_room_again_it_goes_on(
    forks: Crashing, made: Made, disk: Path, name: str, room: int
) -> None:
    place = disk / name
    place.mkdir()
    filler = fill(disk, room * 1024)
    command = COMMANDS[name](made, place)
    ended = forks.run(command, disk)
    filler.unlink()
    assert ended.code == 2, ended
    if (place / "run" / "config.yaml").exists():
        command.append("--resume")
    ended = forks.run(command, disk)
    shutil.rmtree(place)
    assert ended.code == 0, ended


@pytest.mark.parametrize("name", COMMANDS)
def test_files_that_may_not_grow(forks: Crashing, made: Made, tmp_path: Path, name: str) -> None:
    place = tmp_path / "place"
    before = earlier(place)
    size = 512 if name == "convert-folder" else 2048  # of many small files
    ended = forks.run(COMMANDS[name](made, place), tmp_path / "x", file_size=size)
    refused_whole(ended, place, before)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_folder_that_cannot_be_written_to(
    forks: Crashing, made: Made, tmp_path: Path, name: str
) -> None:
    place = tmp_path / "place"
    before = earlier(place)
    place.chmod(0o500)
    try:
        ended = forks.run(COMMANDS[name](made, place), tmp_path / "x", powerless=True)
        refused_whole(ended, place, before)
    finally:
        place.chmod(0o700)


@pytest.mark.slow
def test_a_tracking_store_without_room_costs_no_work(
    forks: Crashing, made: Made, disk: Path, tmp_path: Path
) -> None:
    store = disk / "store"
    first = ["register", made.tagger, "--tracking-uri", str(store)]
    assert forks.run(first, disk).code == 0
    output = tmp_path / "run"
    command = adapt(output, "--checkpoint", str(made.run), "--draws", "1", "--quiet",
                    "--tracking-uri", str(store))  # fmt: skip
    command.remove("--no-tracking")
    filler = fill(disk, 0)
    ended = forks.run(command, tmp_path / "x")
    assert ended.code == 2, "before the work it is refused"
    assert ended.err.count("\n") == 1, ended.err
    assert "pass --no-tracking" in ended.err
    filler.unlink()
    ended = forks.run(command, tmp_path / "x")
    assert ended.code == 0, ended


def test_a_fetch_without_room(tmp_path: Path) -> None:
    big = {f"/data/tiny-IOBES/{split}.tsv": text for split, text in FILES.items()}
    with (
        serving(big) as server,
        crashing({"FEWSHOT_METALSTM_MIRROR": server.address, "no_proxy": "127.0.0.1"}) as forks,
    ):
        folder = tmp_path / "data"
        command = ["data", "fetch", "tiny", "--quiet", "--data-dir", str(folder)]
        size = max(map(len, FILES.values())) - 1
        ended = forks.run(command, folder, file_size=max(size, 1))
        assert ended.code == 2
        assert "cannot be written (File too large); choose a --data-dir" in ended.err
        assert forks.run(command, folder).code == 0
        (folder / "col").rename(tmp_path / "elsewhere")
        folder.chmod(0o500)
        try:
            ended = forks.run(command, folder, powerless=True)
        finally:
            folder.chmod(0o700)
        assert ended.code == 2, ended
        assert ended.err.count("\n") == 1, ended
        assert "cannot be written (Permission denied); choose a --data-dir" in ended.err
