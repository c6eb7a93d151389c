"""Where runs are written and found."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.lock import LOCK
from fewshot_metalstm.runs import (
    adapted_to_use,
    begun,
    claim,
    fresh,
    latest,
    model_folder,
    newest_checkpoint,
    run_folder,
)


def checkpoint(folder: Path, run: str, age: int) -> Path:
    path = folder / run / "checkpoint"
    path.mkdir(parents=True)
    (path / "config.json").write_text("{}")
    os.utime(path / "config.json", (10**9 - age, 10**9 - age))
    return path


def test_fresh_counts_on_where_a_name_is_taken(tmp_path: Path) -> None:
    assert fresh("a", tmp_path) == tmp_path / "a"
    (tmp_path / "a").mkdir()
    assert fresh("a", tmp_path) == tmp_path / "a", "an empty folder is not taken"
    (tmp_path / "a" / "file").touch()
    (tmp_path / "a-2").touch()
    assert fresh("a", tmp_path) == tmp_path / "a-3"


def test_latest_is_what_fresh_gave_last(tmp_path: Path) -> None:
    assert latest("a", tmp_path) == tmp_path / "a"
    for _ in range(3):
        made = fresh("a", tmp_path)
        made.mkdir()
        (made / "config.yaml").touch()
        assert latest("a", tmp_path) == made
    (tmp_path / "a-7").mkdir()
    assert latest("a", tmp_path) == tmp_path / "a-3"


def test_claim_takes_new_and_empty_folders_alone(tmp_path: Path) -> None:
    claim(tmp_path / "new", "the run")
    claim(tmp_path, "the run")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="holds a run already; name another folder"):
        claim(tmp_path, "the run")
    with pytest.raises(UserError, match="is a file; name a folder for the run"):
        claim(tmp_path / "file", "the run")


def test_model_folder_is_the_run_or_the_model(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, "run", 0)
    assert model_folder(tmp_path / "run", "checkpoint") == path
    assert model_folder(path, "checkpoint") == path
    assert model_folder(tmp_path / "absent", "checkpoint") == tmp_path / "absent"


def test_the_newest_compatible_checkpoint(tmp_path: Path) -> None:
    old, new = checkpoint(tmp_path, "old", 100), checkpoint(tmp_path, "new", 1)
    checkpoint(tmp_path, "middle", 50)
    assert newest_checkpoint(lambda _: True, tmp_path) == new
    assert newest_checkpoint(lambda folder: folder == old, tmp_path) == old
    with pytest.raises(UserError, match=r"\(3 there, none compatible\), and .* --checkpoint"):
        newest_checkpoint(lambda _: False, tmp_path)
    with pytest.raises(UserError, match=r"no checkpoint in .*absent, and none that fits ships"):
        newest_checkpoint(lambda _: True, tmp_path / "absent")


def test_shipped_checkpoints_come_after_those_of_runs(tmp_path: Path) -> None:
    own = checkpoint(tmp_path, "own", 100)
    shipped = [tmp_path / "best", tmp_path / "next"]
    assert newest_checkpoint(lambda _: True, tmp_path, shipped) == own
    assert newest_checkpoint(lambda _: False, tmp_path, shipped) == shipped[0]
    assert newest_checkpoint(lambda _: True, tmp_path / "absent", shipped) == shipped[0]


def test_a_run_that_was_ended_as_it_began(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert not begun(folder)
    folder.mkdir()
    assert not begun(folder)
    for name in (LOCK, ".exclusions.txt.ab_12cd9.part"):
        (folder / name).touch()
        assert begun(folder)
    (folder / "exclusions.txt").touch()
    assert not begun(folder)
    assert begun(folder, "exclusions.txt")
    (folder / "thesis.tex").touch()
    assert not begun(folder, "exclusions.txt")
    (folder / "config.yaml").touch()
    assert begun(folder)


@pytest.mark.parametrize("named", [False, True])
def test_what_is_refused_at_once_leaves_no_folder(tmp_path: Path, named: bool) -> None:
    output = tmp_path / "mine" if named else None
    for written, left in (
        (["targets.json"], False), (["bad-annotations.tsv", "targets.json"], True),
        (["config.yaml"], True),
    ):  # fmt: skip
        place = output or tmp_path / "runs" / "a"

        def refused(written: Sequence[str] = written) -> None:
            with run_folder(output, "a", "the report", folder=tmp_path / "runs") as folder:
                for name in written:
                    (folder / name).touch()
                raise UserError("no such recipe")

        with pytest.raises(UserError, match="no such recipe"):
            refused()
        assert place.exists() == left
        for name in written if left else ():
            (place / name).unlink()
    with run_folder(output, "a", "the report", folder=tmp_path / "runs") as place:
        assert place == (output or tmp_path / "runs" / "a")


def test_a_folder_that_a_killed_run_began_is_taken_again(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "targets.json").touch()
    with run_folder(None, "a", "the report", folder=tmp_path) as place:
        assert place == tmp_path / "a"


def test_the_name_of_a_shipped_checkpoint_is_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="bionlp: is a checkpoint, which is adapted before"):
        adapted_to_use(Path("bionlp"))
    Path("bionlp").mkdir()
    assert adapted_to_use(Path("bionlp")) == Path("bionlp")
