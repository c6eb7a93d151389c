"""``fewshot-metalstm view`` with a translator: a page of sentences and their translations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fewshot_metalstm.cli.options import (
    device_option,
    json_option,
    output_file_option,
    quiet_option,
)
from fewshot_metalstm.cli.streams import STANDARD_OUTPUT, place_of
from fewshot_metalstm.cli.tables import print_json, say

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.translation.pages.view import View


@click.command("view")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@output_file_option("The page to write.  [default: FILE's name with .html, here]", once="--html")
@device_option
@json_option
@quiet_option
def view(
    model: Path, file: Path, output: Path | None, device: str, as_json: bool, quiet: bool
) -> None:
    """With a translator, the page shows each sentence of FILE and what it becomes.

    FILE has a sentence a line, or is a .tsv of sentences and their translations, of which each
    gets its chrF. For every word that was written the page says which words were attended to.
    """
    html = Path(f"{file.name}.html") if output is None else output
    with place_of(html, as_json=as_json) as place:
        shown = run(model=model, file=file, html=place, device=device)
    if as_json:
        print_json({
            "html": str(html), "model": shown.model, "sentences": len(shown.rows),
            "notes": list(shown.notes),
            "chrf": None if shown.score is None else round(shown.score.value, 2),
            "bleu": None if shown.score is None else round(shown.score.further["bleu"], 2),
        })  # fmt: skip
        return
    for note in () if quiet else shown.notes:
        say(f"note: {note}", err=True)
    line = f"{html}: {len(shown.rows)} sentences"
    if shown.score is not None:
        line += f"; chrF {shown.score.value:.2f}, BLEU {shown.score.further['bleu']:.2f}"
    say(line, err=html == STANDARD_OUTPUT)


def run(*, model: Path, file: Path, html: Path, device: str) -> View:
    """Read the file, translate, write the page."""
    from fewshot_metalstm import runs
    from fewshot_metalstm.kinds.translation.model import PRODUCT, load_model
    from fewshot_metalstm.kinds.translation.pages.view import make_view, write_view
    from fewshot_metalstm.kinds.translation.pairs import is_table, plain, read_lines, read_table
    from fewshot_metalstm.machine import pick_device
    from fewshot_metalstm.pages.render import check_page

    check_page(html, file)
    references = None
    if is_table(file):
        pairs = read_table(file)
        sources, references = pairs.sources, pairs.targets
    else:
        sources = tuple(plain(line) for line in read_lines(file))
    loaded = load_model(runs.model_folder(model, PRODUCT), PRODUCT)
    loaded.learner.to(pick_device(device))
    shown = make_view(str(model), loaded, sources, references)
    write_view(shown, f"{file.name}, as the translator writes it", html)
    return shown
