"""Processes that work for this one: how they are started.

Importing torch takes seconds of a core, and each fresh process would do it again. On Linux they
are forked from one server process (:mod:`multiprocessing.forkserver`), which has imported once
what this process had imported when the first of them was started; and which, unlike this process,
has no threads that a fork could cut in two. Elsewhere each is a fresh interpreter.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from fewshot_metalstm.compat.torch_compiler import defer_compiler
from fewshot_metalstm.interrupts import held_back

# Parts of names of modules that no worker needs, some of which import MLflow, spaCy or a terminal.
_SELDOM = frozenset({"__main__", "cli", "pages", "serving", "spacy_component", "tracking"})


def start_worker(
    serve: Callable[..., None], *arguments: Any
) -> tuple[Connection[Any, Any], BaseProcess]:
    """A new process that runs ``serve(pipe, *arguments)``, and this end of its pipe.

    It ends with this process only if ``serve`` sees to that; it has the environment variables of
    this process, and Ctrl-C never reaches it.

    Args:
        serve: a function of a module, so that it can be pickled; as the arguments.

    Raises:
        RuntimeError: the process ended before it took over what it was given.
    """
    context: Any = multiprocessing.get_context("spawn")
    if sys.platform == "linux":
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_imported())  # heeded when the server starts
    ours, theirs = context.Pipe()
    process: BaseProcess = context.Process(
        target=_begin, args=(dict(os.environ), serve, theirs, *arguments), daemon=True
    )
    with held_back():
        try:
            process.start()
        except BrokenPipeError as problem:
            raise RuntimeError(
                "a worker process ended as it began; a script of your own that starts workers "
                'needs `if __name__ == "__main__":` around what it does'
            ) from problem
    theirs.close()
    return ours, process


def _imported() -> list[str]:
    """The modules of this package that this process has, but for those that workers never need."""
    package = __name__.partition(".")[0]
    return sorted(
        name for name in sys.modules
        if name.partition(".")[0] == package and _SELDOM.isdisjoint(name.split("."))
    )  # fmt: skip


def _begin(environment: dict[str, str], serve: Callable[..., None], *arguments: Any) -> None:
    # Those of the server are of the time at which it started.
    os.environ.clear()
    os.environ.update(environment)
    defer_compiler()
    serve(*arguments)
