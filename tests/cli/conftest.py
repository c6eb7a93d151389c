"""Fixtures for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="package")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One cache folder for all the tests, and never the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEWSHOT_METALSTM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _small_pictures(small_pictures: None) -> None:
    """To look at pictures is for the tests of what draws them."""


@pytest.fixture(scope="package")
def meta_trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a tiny meta-training on the embedded suite."""
    from fewshot_metalstm.cli.main import main
    from tests.cli.builders import meta_train

    output = tmp_path_factory.mktemp("meta-trained") / "run"
    assert main(meta_train(output, "--quiet", "--json")) == 0
    return output
