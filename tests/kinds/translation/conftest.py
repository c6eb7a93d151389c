"""Fixtures for the tests of translation."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from tests.cli.builders import settings
from tests.kinds.translation.builders import SUITE, TINY, declare


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


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trained") / "run"


@pytest.fixture
def trained(_made: Path, world: Path) -> Path:
    """A tiny checkpoint of the world, meta-trained once for all tests."""
    del world
    if not _made.is_dir():
        arguments = ["meta-train", "--tasks", SUITE, "--output", str(_made), "--workers", "1",
                     "--no-tracking", "--quiet", "--json", *settings(TINY)]  # fmt: skip
        assert main(arguments) == 0
    return _made
