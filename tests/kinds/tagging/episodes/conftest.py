"""Fixtures for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="package")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One cache folder for all the tests, and never the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEWSHOT_METALSTM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
