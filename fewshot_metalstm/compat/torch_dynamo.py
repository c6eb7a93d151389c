"""torch's compiler, imported when somebody compiles.

The first optimiser that is made, and each of its steps, imports ``torch._dynamo`` to tell the
compiler to keep out; and with it sympy, ``torch.distributed`` and 800 modules more, which takes
two to three seconds of a core in every process. Nothing here compiles. A stand-in knows the names that
optimisers and process groups use, and gives way to the package as soon as any other is asked for.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

_NAME = "torch._dynamo"


def defer_dynamo() -> None:
    """Register the stand-in, for a process whose code is known not to compile; else nothing.

    Where the package has been imported already nothing changes.
    """
    sys.modules.setdefault(_NAME, _Deferred(_NAME))


class _Rules:
    """``torch._dynamo.trace_rules``, the cache of which a process group empties."""

    @staticmethod
    def clear_lru_cache() -> None:
        """Nothing has been cached."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_load().trace_rules, name)


class _Deferred(ModuleType):
    """``torch._dynamo`` as optimisers know it, until somebody asks for more."""

    trace_rules = _Rules()

    @staticmethod
    def disable(fn: Callable[..., Any], recursive: bool = True, **_: Any) -> Callable[..., Any]:
        """Keep the compiler out of ``fn``, in which it is not."""
        return fn

    @staticmethod
    def graph_break() -> None:
        """End the compiler's graph, of which there is none."""

    def __getattr__(self, name: str) -> Any:
        if name in ("__file__", "__wrapped__"):  # asked for by those who look over all modules
            raise AttributeError(name)
        return getattr(_load(), name)


def _load() -> Any:
    if isinstance(sys.modules.get(_NAME), _Deferred):
        del sys.modules[_NAME]
    return importlib.import_module(_NAME)
