"""``fewshot-metalstm settings``: every setting, with its default, range and what it means."""

from __future__ import annotations

import json
import sys

import click

from fewshot_metalstm.cli.kind_options import kind_option
from fewshot_metalstm.cli.options import json_option


@click.command("settings")
@click.argument("section", required=False, metavar="[SECTION]")
@kind_option
@json_option
def settings(section: str | None, kind_name: str | None, as_json: bool) -> None:
    """Print every setting of the commands that take --set and --config.

    SECTION names some of them: inner, tagger, tagger.lstm, or a single one such as inner.lr. Some
    defaults depend on the suite or on the algorithm; `meta-train --list-algorithms` says which.
    """
    from fewshot_metalstm import settings_list
    from fewshot_metalstm.compress.settings import CompressConfig
    from fewshot_metalstm.declarations import DEFAULT_KIND
    from fewshot_metalstm.kinds import registry

    of = registry.kind(kind_name or DEFAULT_KIND)
    every = {**of.settings(), "compress": CompressConfig}
    found = settings_list.settings(every, section)
    if as_json:
        click.echo(json.dumps({"kind": of.name, "settings": [s.as_dict() for s in found]}))
        return
    from rich.table import Table

    from fewshot_metalstm.cli.terminal import Terminal

    table = Table("setting", "default", "type", "range", "meaning", "of")
    for each in found:
        default = json.dumps(each.default, ensure_ascii=False)
        commands = ", ".join(each.commands)
        table.add_row(each.name, default, each.type, each.range, each.meaning, commands)
    Terminal(width=None if sys.stdout.isatty() else 160, markup=False).print(table)
