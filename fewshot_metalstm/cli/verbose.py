"""``--verbose`` of every command: what goes on inside, and the traceback of what goes wrong."""

from __future__ import annotations

import os
import sys
import traceback

import click

DEBUG = "FEWSHOT_METALSTM_DEBUG"
"""Environment variable: ``1`` is as ``--verbose``, for worker processes and tests too."""

_META = "fewshot_metalstm.verbose"
_NAME = "verbose"


def offer(command: click.Command) -> None:
    """Give ``--verbose`` to a command, and to those of a group, unless they have it already."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            offer(each)
    elif not any(parameter.name == _NAME for parameter in command.params):
        command.params.append(
            click.Option(
                ["--verbose", "-v"], is_flag=True, expose_value=False, is_eager=True,
                callback=_switch_on, help="Say more; show the traceback of every error.",
            )
        )  # fmt: skip


def trace(context: click.Context) -> None:
    """Print the traceback of the error that is being handled, where it was asked for."""
    if context.meta.get(_META) or os.environ.get(DEBUG) == "1":
        traceback.print_exc()


def _switch_on(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value or context.resilient_parsing:
        return
    import logging

    context.meta[_META] = True
    logger = logging.getLogger("fewshot_metalstm")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)

    def switch_off() -> None:  # a test runs many commands in one process
        logger.removeHandler(handler)
        logger.setLevel(level)

    context.call_on_close(switch_off)
