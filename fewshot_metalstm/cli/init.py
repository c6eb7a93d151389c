"""``fewshot-metalstm init``: settings to edit, with their meanings, and an example file."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fewshot_metalstm.cli.options import json_option, quiet_option


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path), default=".", metavar="[FOLDER]")
@json_option
@quiet_option
def init(folder: Path, as_json: bool, quiet: bool) -> None:
    """Write commented settings and a small annotated file into FOLDER (default: this one).

    meta-train.yaml, train.yaml, adapt.yaml and sweep.yaml hold every setting with its default and
    meaning, for --config of these commands. A file that is there already is never written over.
    """
    from fewshot_metalstm.first_files import first_files, write_new

    written = write_new(first_files(), folder)
    if as_json:
        click.echo(json.dumps({"written": [str(path) for path in written]}))
        return
    click.echo("\n".join(f"wrote {path}" for path in written))
    if not quiet:
        click.echo(f"Next: fewshot-metalstm check {folder / 'example'}", err=True)
