"""``fewshot-metalstm view`` with a translator: a page of sentences and their translations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.cli.viewing import show, view_command

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.translation.pages.view import View


@view_command()
def view(
    model: Path, file: Path, output: Path | None, device: str, as_json: bool, quiet: bool
) -> None:
    """With a translator, the page shows each sentence of FILE and what it becomes.

    FILE has a sentence a line, or is a .tsv of sentences and their translations, of which each
    gets its chrF. For every word that was written the page says which words were attended to.
    """
    show(
        file, output, lambda html: run(model=model, file=file, html=html, device=device), _said,
        as_json=as_json, quiet=quiet,
    )  # fmt: skip


def _said(shown: View) -> tuple[str, dict[str, Any]]:
    score = shown.score
    line = f"{len(shown.rows)} sentences"
    if score is not None:
        line += f"; chrF {score.value:.2f}, BLEU {score.further['bleu']:.2f}"
    return line, {
        "sentences": len(shown.rows),
        "chrf": None if score is None else round(score.value, 2),
        "bleu": None if score is None else round(score.further["bleu"], 2),
    }


def run(*, model: Path, file: Path, html: Path, device: str) -> View:
    """Read the file, translate, write the page."""
    from fewshot_metalstm import runs
    from fewshot_metalstm.kinds.translation.model import PRODUCT, load_model
    from fewshot_metalstm.kinds.translation.pages.view import make_view, write_view
    from fewshot_metalstm.kinds.translation.pairs import is_table, plain, read_sentences, read_table
    from fewshot_metalstm.machine import pick_device
    from fewshot_metalstm.pages.render import check_page

    check_page(html, file)
    references = None
    if is_table(file):
        pairs = read_table(file)
        sources, references = pairs.sources, pairs.targets
    else:
        sources = tuple(plain(line) for line in read_sentences(file))
    loaded = load_model(runs.model_folder(model, PRODUCT), PRODUCT)
    loaded.learner.to(pick_device(device))
    shown = make_view(str(model), loaded, sources, references)
    write_view(shown, f"{file.name}, as the translator writes it", html)
    return shown
