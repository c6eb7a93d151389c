"""Whether the kernels compiled by numba can be used: an optional speed-up, with torch behind it."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec

SWITCH = "FEWSHOT_METALSTM_JIT"


@cache
def available() -> bool:
    """True where numba is installed and ``FEWSHOT_METALSTM_JIT=0`` does not switch it off.

    numba itself is not imported here: that takes half a second, which only a computation pays.
    """
    return os.environ.get(SWITCH, "1") != "0" and find_spec("numba") is not None
