from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fewshot_metalstm import entry_points
from tests import packages

GROUP = "fewshot_metalstm.kinds"


@pytest.fixture(autouse=True)
def nothing_cached() -> Iterator[None]:
    entry_points.installed.cache_clear()
    yield
    entry_points.installed.cache_clear()


def names(monkeypatch: pytest.MonkeyPatch, *places: Path) -> list[str]:
    monkeypatch.setattr(sys, "path", [str(place) for place in places])
    return [point.name for point in entry_points.installed(GROUP)]


def test_entry_points_of_a_group_are_found_in_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = packages.install(tmp_path / "other", "other", {"b": "other:B"}, {}, "another.group")
    assert names(monkeypatch, tmp_path / "absent", other) == []
    entry_points.installed.cache_clear()
    kind = packages.install(tmp_path / "kind", "kind", {"b": "kind:B", "a": "kind:A"}, {}, GROUP)
    assert names(monkeypatch, tmp_path / "absent", other, kind) == ["a", "b"]


def test_entry_points_of_a_group_are_found_in_an_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = packages.install(tmp_path / "kind", "kind", {"a": "kind:A"}, {}, GROUP)
    with zipfile.ZipFile(tmp_path / "kind.zip", "w") as archive:
        for path in folder.rglob("*"):
            archive.write(path, path.relative_to(folder))
    assert names(monkeypatch, tmp_path / "kind.zip") == ["a"]
