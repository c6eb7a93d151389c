"""torch's compiler, imported when somebody compiles.

The first optimiser that is made, and each of its steps, imports ``torch._dynamo`` to tell the
compiler to keep out; a gradient of given gradients imports
``torch.fx.experimental.symbolic_shapes`` to compare two shapes. With them come sympy,
``torch.distributed`` and 800 modules more, which takes two to three seconds of a core in every
process. Nothing here compiles. Stand-ins know the few names that are used where nothing is
compiled, and give way to the modules themselves as soon as any other is asked for.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

DYNAMO = "torch._dynamo"
SHAPES = "torch.fx.experimental.symbolic_shapes"


def defer_compiler() -> None:
    """Register the stand-ins, for a process whose code is known not to compile.

    A module that has been imported already stays.
    """
    rules = _Deferred(f"{DYNAMO}.trace_rules", {"clear_lru_cache": lambda: None})
    known = {"disable": _as_it_is, "graph_break": lambda: None, "trace_rules": rules}
    sys.modules.setdefault(DYNAMO, _Deferred(DYNAMO, known))
    shapes = {"expect_true": bool, "sym_eq": lambda one, other: one == other}
    sys.modules.setdefault(SHAPES, _Deferred(SHAPES, shapes))


def _as_it_is(fn: Callable[..., Any], *_: Any, **__: Any) -> Callable[..., Any]:
    return fn


class _Deferred(ModuleType):
    """A module of which ``known`` is known; asked for anything else, it is imported."""

    def __init__(self, name: str, known: dict[str, Any]) -> None:
        super().__init__(name)
        self.__dict__.update(known)

    def __getattr__(self, name: str) -> Any:
        # Asked for by those who look over all modules, and by `from ... import` of a module that
        # is no package.
        if name in ("__file__", "__wrapped__") or (name, self.__name__) == ("__path__", SHAPES):
            raise AttributeError(name)
        for deferred in (DYNAMO, SHAPES):  # each of them imports the other
            if isinstance(sys.modules.get(deferred), _Deferred):
                del sys.modules[deferred]
        return getattr(importlib.import_module(self.__name__), name)
