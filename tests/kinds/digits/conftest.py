"""Fixtures for the tests of digits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kinds.digits.builders import declare, write_mnist


@pytest.fixture(scope="session")
def real_mnist(real_data: Path) -> Path:
    """The folder of data where MNIST is; or skip."""
    if not (real_data / "mnist").is_dir():
        pytest.skip(f"MNIST is not in {real_data}: `fewshot-metalstm data fetch mnist` fetches it")
    return real_data


@pytest.fixture(scope="session")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    declare(folder / "tasks", write_mnist(folder / "data" / "mnist"))
    return folder


@pytest.fixture
def world(_world: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of data with a made-up MNIST, which the declarations take for the real one."""
    monkeypatch.setattr("fewshot_metalstm.declarations.folder", lambda: _world / "tasks")
    monkeypatch.setenv("FEWSHOT_METALSTM_DATA", str(_world / "data"))
    monkeypatch.setenv("FEWSHOT_METALSTM_CACHE", str(_world / "cache"))
    return _world / "data"
