"""How kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile ``function`` with numba, to run without the interpreter's lock.

    The code is kept on disk, beside the source or in the user's cache folder; where neither can
    be written it is compiled anew in each process.
    """
    return _compile(function)


def compiled_sums(function: F) -> F:
    """:func:`compiled`, with sums taken in any order, so that vectors of them can be taken."""
    return _compile(function, fastmath={"reassoc", "contract"})


def _compile(function: F, **options: Any) -> F:
    try:
        return njit(cache=True, nogil=True, **options)(function)  # type: ignore[return-value]
    except RuntimeError:  # numba found no folder to keep it in
        return njit(nogil=True, **options)(function)  # type: ignore[return-value]
