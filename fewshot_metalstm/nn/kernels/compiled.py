"""How kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])

_PART = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def compiled(function: F) -> F:
    """Compile ``function`` with numba, to run without the interpreter's lock.

    The code is kept on disk, beside the source or in the user's cache folder; where neither can
    be written it is compiled anew in each process.
    """
    return _compile(function)


def compiled_part(function: F) -> F:
    """:func:`compiled`, for what only other kernels call: it compiles faster."""
    return _compile(function, **_PART)


def compiled_sums(function: F) -> F:
    """:func:`compiled_part`, with sums taken in any order, so that vectors can hold them."""
    return _compile(function, fastmath={"reassoc", "contract"}, **_PART)


def _compile(function: F, **options: Any) -> F:
    try:
        made: F = njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:  # numba found no folder to keep it in
        made = njit(nogil=True, **options)(function)
    return made
