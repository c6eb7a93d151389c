"""``fewshot-metalstm pack`` of kinds whose checkpoints need no more options than that."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

from fewshot_metalstm.cli.options import Number, json_option, output_option
from fewshot_metalstm.cli.tables import print_json, say


def pack_command(where: str, about: str) -> click.Command:
    """The command of one kind.

    Args:
        where: module with ``pack(checkpoint, output, results=, limit=)``, which gives the bytes.
        about: a sentence on it, as its help.
    """

    @click.command("pack", help=about)
    @click.argument("checkpoint", type=click.Path(path_type=Path))
    @output_option("Where to write it; its last part is the checkpoint's name.", required=True)
    @click.option("--results", type=click.Path(path_type=Path), metavar="PATH",
                  help="A sweep's report.json with figures for the model card.")  # fmt: skip
    @click.option("--limit", default=15.0, show_default=True, metavar="MB",
                  type=Number(0, min_open=True),
                  help="Most that all files may take.")  # fmt: skip
    @json_option
    def pack(
        checkpoint: Path, output: Path, results: Path | None, limit: float, as_json: bool
    ) -> None:
        from fewshot_metalstm import runs
        from fewshot_metalstm.kinds.shipping import MEGABYTE

        folder = runs.model_folder(checkpoint, "checkpoint")
        made = importlib.import_module(where).pack(folder, output, results=results, limit=limit)
        if as_json:
            print_json({"folder": str(output), "bytes": made})
        else:
            say(f"{output}: {made / MEGABYTE:.1f} MB")

    return pack
