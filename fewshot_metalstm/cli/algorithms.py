"""What commands that train offer of meta-learners: options, their help, and the list of them.

All of it is read from the tables of :mod:`fewshot_metalstm.meta.registry` and
:mod:`fewshot_metalstm.meta.engines`, which import no torch.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from fewshot_metalstm.entry_points import package_of
from fewshot_metalstm.meta import registry
from fewshot_metalstm.meta.engines import ENGINES
from fewshot_metalstm.meta.entry import AlgorithmEntry

_Command = TypeVar("_Command", bound=Callable[..., Any])

_INNER = {"own": "own inner loop", "none": "no inner loop", "descent": "needs none"}


class TrainingCommand(click.Command):
    """A command whose help says in a line what each meta-learner and each engine is."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the tables of what they name."""
        super().format_options(ctx, formatter)
        own = [(entry.name, entry.about) for entry in registry.BUILT_IN.values()]
        # Described without importing it: a package may bring torch along.
        added = [
            (name, f"of the package {package_of(point)}")
            for name, point in registry.others().items()
        ]
        with formatter.section("Algorithms"):
            formatter.write_dl([*own, *added])
        with formatter.section("Engines"):
            formatter.write_dl([(name, engine.about) for name, engine in ENGINES.items()])


def algorithm_option(command: _Command) -> _Command:
    """``--algorithm NAME`` as ``algorithm: str | None``.

    Raises :class:`UserError` if a package registers a name that is taken.
    """
    return click.option(
        "--algorithm",
        type=click.Choice(registry.names()),
        help="Meta-learner, or joint training alone; what each is stands below.",
    )(command)


def engine_option(command: _Command) -> _Command:
    """``--engine NAME`` as ``engine: str | None``."""
    return click.option(
        "--engine",
        type=click.Choice(list(ENGINES)),
        help="What takes second-order gradients.  [default: higher]",
    )(command)


def list_algorithms_option(command: _Command) -> _Command:
    """``--list-algorithms`` as ``list_algorithms: bool``, for :func:`show_algorithms`."""
    return click.option(
        "--list-algorithms",
        is_flag=True,
        help="Say what each algorithm is and can do, and do nothing else.",
    )(command)


def show_algorithms(as_json: bool) -> None:
    """Print the meta-learners, those of other packages too.

    Raises :class:`UserError` for a package that is broken.
    """
    found = registry.entries()
    if as_json:
        click.echo(json.dumps({"algorithms": [_fields(entry) for entry in found]}))
        return
    from rich.table import Table

    from fewshot_metalstm.cli.terminal import Terminal

    table = Table("algorithm", "what it is", "orders", "engines", "presets")
    for entry in found:
        about = f"{entry.about} (package {entry.package})" if entry.package else entry.about
        orders = ", ".join(map(str, entry.orders)) or "none"
        engines = ", ".join(entry.engines) or _INNER[entry.inner]
        table.add_row(entry.name, about, orders, engines, " ".join(entry.presets) or "none")
    Terminal(width=None if sys.stdout.isatty() else 140).print(table)


def _fields(entry: AlgorithmEntry) -> dict[str, Any]:
    return {
        "name": entry.name, "about": entry.about, "orders": list(entry.orders),
        "engines": list(entry.engines), "inner_loop": entry.inner, "outer_loop": entry.outer,
        "presets": list(entry.presets), "tune": entry.tune, "package": entry.package or None,
    }  # fmt: skip
