"""``fewshot-metalstm pack``: make a checkpoint small enough to ship, with its model card."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fewshot_metalstm.cli.options import Number, data_dir_option, json_option, output_option
from fewshot_metalstm.cli.tables import say


@click.command("pack")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@output_option("Where to write it; its last part is the checkpoint's name.", required=True)
@click.option("--results", type=click.Path(path_type=Path), metavar="PATH",
              help="Figures for the model card: a sweep's folder that adapted this checkpoint, or "
              "a JSON file such as its report.json. Without, those of its card stay.")  # fmt: skip
@click.option("--limit", default=20.0, show_default=True, metavar="MB",
              type=Number(0, min_open=True),
              help="Most that all files may take.")  # fmt: skip
@click.option("--policy", type=click.Path(path_type=Path), metavar="FILE",
              help="The adaptation policy that it is to have, such as the policy.json of one that "
              "ships.")  # fmt: skip
@click.option("--beside", type=click.Path(path_type=Path), multiple=True, metavar="CHECKPOINT",
              help="Another checkpoint of the same word vectors, whose weights are to be a further "
              "start; may be given several times. Recipes of the policy say which start they "
              "adapt.")  # fmt: skip
@click.option("--sentences", is_flag=True,
              help="Make the digests of the sentences that it learned from again, of the corpora "
              "of its suite, for a checkpoint that has none (sentences.bin).")  # fmt: skip
@data_dir_option
@json_option
def pack(
    checkpoint: Path, output: Path, results: Path | None, limit: float, policy: Path | None,
    beside: tuple[Path, ...], sentences: bool, data_dir: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Pack CHECKPOINT, what meta-train wrote: vectors in 8 bits, and a MODEL_CARD.md.

    It is a checkpoint as before, at half the size, and so are the taggers adapted from it. If it
    is over the limit, the rarest words lose their vector and are composed of n-grams.
    """
    from fewshot_metalstm import runs
    from fewshot_metalstm.kinds.tagging.shipping import pack as packing

    folder = runs.model_folder(checkpoint, "checkpoint")
    packed = packing.pack(folder, output, results=results, limit=limit, policy=policy,
                          sentences=sentences, data_dir=data_dir,
                          starts=[runs.model_folder(each, "checkpoint") for each in beside],
                          )  # fmt: skip
    if as_json:
        click.echo(json.dumps(packed.as_dict()))
        return
    account = packed.account
    say(f"{packed.folder}: {packed.bytes / 1e6:.1f} MB of {account.bytes_before / 1e6:.1f}")
    say(f"vectors turned by at most {account.turned:.1e} (cosine distance)")
    if account.words_dropped:
        say(f"{account.words_dropped} rare words, of {account.words_dropped + account.words}"
                   ", lost their vector and are composed of n-grams (mean cosine distance "
                   f"{account.dropped_turned:.2f})")  # fmt: skip
