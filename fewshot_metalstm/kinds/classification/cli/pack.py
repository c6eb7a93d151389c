"""``fewshot-metalstm pack`` with a checkpoint of texts: small enough to ship, with its card."""

from __future__ import annotations

from pathlib import Path

import click

from fewshot_metalstm.cli.options import Number, json_option, output_option
from fewshot_metalstm.cli.tables import print_json, say


@click.command("pack")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@output_option("Where to write it; its last part is the checkpoint's name.", required=True)
@click.option("--results", type=click.Path(path_type=Path), metavar="PATH",
              help="A sweep's report.json with figures for the model card.")  # fmt: skip
@click.option("--limit", default=15.0, show_default=True, metavar="MB",
              type=Number(0, min_open=True),
              help="Most that all files may take.")  # fmt: skip
@json_option
def pack(checkpoint: Path, output: Path, results: Path | None, limit: float, as_json: bool) -> None:
    """A checkpoint of texts is packed likewise; one that is over the limit is refused."""
    from fewshot_metalstm import runs
    from fewshot_metalstm.kinds.classification import shipping

    folder = runs.model_folder(checkpoint, "checkpoint")
    size = shipping.pack(folder, output, results=results, limit=limit)
    if as_json:
        print_json({"folder": str(output), "bytes": size})
    else:
        say(f"{output}: {size / shipping.MEGABYTE:.1f} MB")
