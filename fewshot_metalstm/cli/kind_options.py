"""Options that kinds of task give to the commands of all kinds, such as how their files are read.

A kind names a function that adds its options to a command (see
:class:`~fewshot_metalstm.kinds.registry.KindEntry`), so that a command's ``--help`` shows them.
What was typed goes to the kind of the target; an option of another kind is refused.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.kind import Kind

_Command = TypeVar("_Command", bound=Callable[..., Any])


def kind_option(command: _Command) -> _Command:
    """``--kind NAME`` as ``kind_name: str | None``."""
    return click.option(
        "--kind",
        "kind_name",
        metavar="NAME",
        help="Kind of task, such as tagging.  [default: by name and look]",
    )(command)


def target_options(command: _Command) -> _Command:
    """The options of every kind of this package for a target of the user's own."""
    return _with(command, "target_options")


def predict_options(command: _Command) -> _Command:
    """The options of every kind of this package for the files of ``predict``."""
    return _with(command, "predict_options")


def kind_typed(sources: Sequence[str], given: Mapping[str, Any]) -> str | None:
    """The kind whose own options for reading a user's files were typed; else None.

    It is None too where the options are of two kinds, or a source is a name and no file.
    """
    from fewshot_metalstm.data.locate import is_own

    if not all(map(is_own, sources)):
        return None
    found = {
        name
        for name, decorator in _decorators(target_options.__name__).items()
        for parameter in _parameters(decorator)
        if _typed(given.get(str(parameter.name)), parameter.default)
    }
    return found.pop() if len(found) == 1 else None


def of_kind(
    kind: Kind, given: Mapping[str, Any], options: Callable[..., Any] = target_options,
    what: str = "target",
) -> dict[str, Any]:  # fmt: skip
    """The options that are ``kind``'s own, out of those of all kinds.

    Args:
        options: which of them, a function of this module.
        what: is of the kind, for a message.

    Raises:
        UserError: one of another kind was typed.
    """
    from fewshot_metalstm.errors import UserError

    own: dict[str, Any] = {}
    for name, decorator in _decorators(options.__name__).items():
        for parameter in _parameters(decorator):
            key = str(parameter.name)
            if key not in given:
                continue
            if name == kind.name:
                own[key] = given[key]
            elif _typed(given[key], parameter.default):
                raise UserError(
                    f"{parameter.opts[0]} is for {name}, and the {what} is of the kind "
                    f"{kind.name}; leave it out"
                )
    return own


def _with(command: _Command, field: str) -> _Command:
    for decorator in reversed(_decorators(field).values()):
        command = decorator(command)
    return command


def _decorators(field: str) -> dict[str, Callable[[Any], Any]]:
    """The functions that add options, by kind; ``field`` of its entry names the function."""
    from fewshot_metalstm.kinds.registry import BUILT_IN

    found = {}
    for name, entry in BUILT_IN.items():
        if where := getattr(entry, field):
            module, _, attribute = where.partition(":")
            found[name] = getattr(importlib.import_module(module), attribute)
    return found


def _typed(value: Any, default: Any) -> bool:
    """Whether a value is none that an option has by itself; click leaves a flag's default open."""
    return not value if default is True else bool(value) and value != default


def _parameters(decorator: Callable[[Any], Any]) -> list[click.Parameter]:
    def command() -> None:
        """Takes the options."""

    decorator(command)
    parameters: list[click.Parameter] = getattr(command, "__click_params__", [])
    return parameters
