"""``fewshot-metalstm init``: settings to edit, with their meanings, and an example file."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fewshot_metalstm.cli.kind_options import kind_option
from fewshot_metalstm.cli.options import Folder, json_option, output_option, quiet_option
from fewshot_metalstm.cli.tables import say


@click.command("init")
@click.argument("folder", type=Folder(), required=False, metavar="[FOLDER]")
@output_option("The same as FOLDER.")
@kind_option
@json_option
@quiet_option
def init(
    folder: Path | None, output: Path | None, kind_name: str | None, as_json: bool, quiet: bool
) -> None:
    """Write commented settings and a small annotated file into FOLDER (default: this one).

    meta-train.yaml, train.yaml, adapt.yaml and sweep.yaml hold every setting with its default and
    meaning, for --config of these commands. A file that is there already is never written over.
    """
    from fewshot_metalstm.declarations import DEFAULT_KIND
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.first_files import first_files, write_new
    from fewshot_metalstm.kinds import registry

    if folder is not None and output is not None:
        raise UserError("FOLDER and --output are the same; give one of the two")
    folder = folder or output or Path()
    name = kind_name or DEFAULT_KIND
    written = write_new(first_files(registry.kind(name)), folder)
    if as_json:
        click.echo(json.dumps({"written": [str(path) for path in written]}))
        return
    say("\n".join(f"wrote {path}" for path in written))
    own = registry.BUILT_IN.get(name)
    if not quiet and own is not None and "check" in own.commands:
        say(f"Next: fewshot-metalstm check {folder / 'example'}", err=True)
