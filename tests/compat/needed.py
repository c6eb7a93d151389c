"""Packages that a test compares with, or a skip with a message."""

from __future__ import annotations

from typing import Any

import pytest

from fewshot_metalstm.compat import learn2learn
from fewshot_metalstm.errors import UserError


def learn2learn_or_skip() -> Any:
    """learn2learn; where it is not installed the test is skipped, saying so."""
    try:
        return learn2learn.load()
    except UserError as absent:
        pytest.skip(str(absent))
