"""Fixtures for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.kills import Kills

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the real corpora: FEWSHOT_METALSTM_DATA, else ../shared/data; or skip."""
    named = os.environ.get("FEWSHOT_METALSTM_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not (folder / "MTL-Bioinformatics-2016" / "data").is_dir():
        pytest.skip(
            f"the real corpora are not in {folder}: set FEWSHOT_METALSTM_DATA to the folder "
            "that holds MTL-Bioinformatics-2016/data"
        )
    return folder


@pytest.fixture(scope="session")
def read_corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where corpora that were read are kept, for tests of the group `corpora`."""
    return tmp_path_factory.mktemp("cache") / "encoded"


@pytest.fixture(scope="session")
def kills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kills]:
    """A process to fork commands from, and what they start from; it takes a while to make."""
    from tests.kills import Kills, prepared

    with prepared(tmp_path_factory.mktemp("kills") / "made") as (forks, made):
        yield Kills(forks, made)


@pytest.fixture
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are written with nothing in them: to draw one takes longer than a tiny training.

    For tests of commands. What pictures show is for those of the modules that draw.
    """
    from matplotlib.figure import Figure

    drawn = Figure.savefig

    def save(self: Figure, *arguments: Any, **options: Any) -> None:
        del self
        drawn(Figure(figsize=(1, 1)), *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", save)
