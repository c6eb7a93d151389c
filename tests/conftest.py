"""Fixtures for every test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
