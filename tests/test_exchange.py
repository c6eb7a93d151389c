"""Two folders that change places."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.exchange import exchanged


def test_folders_change_places_or_nothing_happens(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for path in (one, other):
        path.mkdir()
        (path / path.name).touch()
    done = exchanged(one, other)
    assert (one / ("other" if done else "one")).is_file()
    assert (other / ("one" if done else "other")).is_file()


def test_what_is_absent_is_named(tmp_path: Path) -> None:
    if not exchanged(tmp_path, tmp_path):
        pytest.skip("this file system cannot exchange")
    with pytest.raises(FileNotFoundError, match="absent"):
        exchanged(tmp_path, tmp_path / "absent")
