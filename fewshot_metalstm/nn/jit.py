"""Whether the kernels compiled by numba can be used: an optional speed-up, with torch behind it."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec

from fewshot_metalstm.flops import counting

SWITCH = "FEWSHOT_METALSTM_JIT"


def available() -> bool:
    """True where numba is installed and ``FEWSHOT_METALSTM_JIT=0`` does not switch it off.

    Not while operations are counted (:mod:`fewshot_metalstm.flops`), as kernels would not be.
    """
    return _there() and not counting()


@cache
def _there() -> bool:
    # numba itself is not imported: that takes half a second, which only a computation pays.
    return os.environ.get(SWITCH, "1") != "0" and find_spec("numba") is not None
