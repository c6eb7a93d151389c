"""Fixtures for the tests of translation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kinds.translation.builders import declare


@pytest.fixture(scope="session")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return declare(tmp_path_factory.mktemp("translation"))


@pytest.fixture
def world(_world: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of data with made-up pairs, which the declarations take for the real ones."""
    monkeypatch.setattr("fewshot_metalstm.declarations.folder", lambda: _world / "tasks")
    monkeypatch.setenv("FEWSHOT_METALSTM_DATA", str(_world / "data"))
    monkeypatch.setenv("FEWSHOT_METALSTM_CACHE", str(_world / "cache"))
    return _world / "data"
