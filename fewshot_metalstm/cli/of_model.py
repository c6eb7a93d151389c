"""A command that several kinds of task have: what it does is the business of its model's kind."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource


def of_model(commands: Mapping[str, click.Command]) -> click.Command:
    """One command out of those of several kinds, by the kind; the first gives it its name.

    It has the options of all. The first argument, a model's folder, says which of them runs; an
    option that is typed and is none of that one's is refused.
    """
    first = next(iter(commands.values()))
    parameters: dict[str, click.Parameter] = {}
    for command in commands.values():
        for parameter in command.params:
            parameters.setdefault(str(parameter.name), parameter)
    argument = next(name for name, each in parameters.items() if isinstance(each, click.Argument))

    def run(**given: Any) -> Any:
        context = click.get_current_context()
        kind, own = _chosen(commands, given[argument], str(first.name))
        names = {str(parameter.name) for parameter in own.params}
        typed = {
            name: value for name, value in given.items()
            if context.get_parameter_source(name) is not ParameterSource.DEFAULT
        }  # fmt: skip
        for name in typed:
            if name not in names:
                _refuse(parameters[name].opts[0], kind)
        return context.invoke(own, **typed)  # which fills in its own defaults

    return click.Command(
        first.name, callback=run, params=list(parameters.values()),
        help="\n\n".join(cleandoc(command.help or "") for command in commands.values()),
    )  # fmt: skip


def _chosen(
    commands: Mapping[str, click.Command], model: Path, name: str
) -> tuple[str, click.Command]:
    from fewshot_metalstm import runs
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds import registry

    inside = (runs.adapted_to_use(model), runs.model_folder(model, "checkpoint"))
    folder = next((each for each in inside if (each / "config.json").is_file()), model)
    kind = registry.of_model(folder).name
    if kind not in commands:
        known = " and ".join(commands)
        raise UserError(f"{model}: {name} is for models of {known}, and this one is of {kind}")
    return kind, commands[kind]


def _refuse(option: str, kind: str) -> None:
    from fewshot_metalstm.errors import UserError

    raise UserError(f"{option} is not for a model of the kind {kind}; leave it out")
