"""A click group that imports a command only when it runs."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from fewshot_metalstm.cli import verbose
from fewshot_metalstm.kinds.registry import BUILT_IN


@dataclass(frozen=True)
class LazyCommand:
    """Where a command is (``"package.module:attribute"``) and its one line of help."""

    target: str
    help: str

    def load(self) -> click.Command:
        """Import the command's module and return the click command that it holds."""
        module, _, attribute = self.target.partition(":")
        command: object = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.target} is a {type(command).__name__}, no click command")
        return command


@dataclass(frozen=True)
class KindsCommand(LazyCommand):
    """A command that several kinds of task have; ``others`` are its targets by kind."""

    others: Mapping[str, str]

    def load(self) -> click.Command:
        """See :class:`LazyCommand`: one command that does what the kind of its model does."""
        from fewshot_metalstm.cli.of_model import of_model

        commands = {kind: LazyCommand(target, "").load() for kind, target in self.others.items()}
        return of_model(commands)


def kind_command(name: str) -> LazyCommand:
    """A command that not all kinds of task have, by its name in the registry of kinds."""
    found = {kind: e.commands[name] for kind, e in BUILT_IN.items() if name in e.commands}
    first = next(iter(found.values()))
    if len(found) == 1:
        return LazyCommand(first.target, first.help)
    return KindsCommand(first.target, first.help, {k: c.target for k, c in found.items()})


class LazyGroup(click.Group):
    """A group whose help needs none of its commands' modules, listed in the order given."""

    def __init__(self, *args: Any, lazy_commands: Mapping[str, LazyCommand], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = dict(lazy_commands)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command, or None when there is none of that name."""
        entry = self._lazy.get(cmd_name)
        if entry is None:
            return None
        command = entry.load()
        verbose.offer(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, but a mistyped name is answered with the nearest ones."""
        name = args[0]
        if name not in self._lazy and not name.startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(name.lower().replace("_", "-"), self._lazy)
            known = " or ".join(near) if near else ", ".join(self._lazy)
            hint = f"did you mean {known}?" if near else f"there are {known}"
            raise click.UsageError(f"there is no command {name!r} ({hint})", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self._lazy.items()])
