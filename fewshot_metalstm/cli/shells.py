"""Completion in the shell: its scripts, and the names that options complete to."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem, get_completion_class


def script(shell: str, cli: click.Command, program: str, variable: str) -> str:
    """The script of click's that asks this program for words.

    Made without looking for the shell on this machine, as it may be for another one.
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    asker = kind(cli, {}, program, variable)
    return asker.source_template % asker.source_vars()


def suites(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of suites that begin with what was typed, with what they are."""
    from fewshot_metalstm.data.suites import load_suites

    return [
        CompletionItem(suite.name, help=suite.description)
        for suite in load_suites(kind=None).values() if suite.name.startswith(incomplete)
    ]  # fmt: skip


def targets(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of targets and other corpora, and files; of a list with commas, the last name."""
    from fewshot_metalstm.data.catalogue import Catalogue
    from fewshot_metalstm.data.suites import load_targets
    from fewshot_metalstm.kinds import registry

    before, comma, last = incomplete.rpartition(",")
    known = tuple(name for kind in registry.names() for name in load_targets(kind=kind).all)
    names = (*known, *(name for name in Catalogue.load() if name not in known))
    found = [
        CompletionItem(f"{before}{comma}{name}", help="target" if name in known else "corpus")
        for name in names if name.startswith(last)
    ]  # fmt: skip
    return found or [CompletionItem(incomplete, type="file")]


def baselines(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of the baselines of every kind that begin with what was typed, with what they are."""
    from fewshot_metalstm.kinds import registry

    found = {
        name: method.description
        for kind in registry.names() for name, method in registry.kind(kind).methods().items()
        if name.startswith(incomplete)
    }  # fmt: skip
    return [CompletionItem(name, help=text) for name, text in found.items()]


def corpora(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What `data` takes: corpora, suites and ``targets``."""
    from fewshot_metalstm.data.catalogue import Catalogue
    from fewshot_metalstm.data.suites import load_suites

    names = (*Catalogue.load(kind=None), *load_suites(kind=None), "targets")
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def checkpoints(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Runs with a checkpoint below ``runs``, those that ship, and folders."""
    from fewshot_metalstm import pretrained
    from fewshot_metalstm.runs import RUNS

    found = [str(path.parent.parent) for path in sorted(RUNS.glob("*/checkpoint/config.json"))]
    names = [name for name in (*found, *pretrained.folders()) if name.startswith(incomplete)]
    return [*map(CompletionItem, names), CompletionItem(incomplete, type="dir")]
