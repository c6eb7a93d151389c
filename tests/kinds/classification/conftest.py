"""Fixtures for the tests of classification."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from tests.cli.builders import settings
from tests.kinds.classification.builders import TINY, declare, write_reviews


@pytest.fixture(scope="session")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reviews")
    declare(folder / "tasks", write_reviews(folder / "data" / "fdu-mtl"))
    return folder


@pytest.fixture
def world(_world: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of data with made-up reviews, which the declarations take for the real ones."""
    monkeypatch.setattr("fewshot_metalstm.declarations.folder", lambda: _world / "tasks")
    monkeypatch.setenv("FEWSHOT_METALSTM_DATA", str(_world / "data"))
    monkeypatch.setenv("FEWSHOT_METALSTM_CACHE", str(_world / "cache"))
    return _world / "data"


@pytest.fixture(scope="session")
def _made(_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("runs") / "reviews"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fewshot_metalstm.declarations.folder", lambda: _world / "tasks")
        patch.setenv("FEWSHOT_METALSTM_DATA", str(_world / "data"))
        assert main([
            "meta-train", "--tasks", "reviews-fold-0", "--algorithm", "fomaml", "--output",
            str(output), "--no-tracking", "--workers", "1", "--quiet", *settings(TINY),
        ]) == 0  # fmt: skip
    return output


@pytest.fixture
def made(_made: Path, world: Path) -> Path:
    """A run of `meta-train` on two made-up domains, in the world of made-up reviews."""
    return _made


@pytest.fixture(scope="session")
def real_reviews(real_data: Path) -> Path:
    """The folder of data where the reviews are; or skip."""
    if not (real_data / "fdu-mtl").is_dir():
        pytest.skip(f"the reviews are not in {real_data}: see `fewshot-metalstm data fetch`")
    return real_data
