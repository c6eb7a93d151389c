"""``fewshot-metalstm view`` with a classifier: a page of texts as it reads them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.cli.viewing import show, view_command
from fewshot_metalstm.kinds.classification.cli.options import (
    label_column_option,
    text_column_option,
)

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.classification.pages.view import View


@view_command(text_column_option, label_column_option)
def view(
    model: Path, file: Path, output: Path | None, text_column: str | None,
    label_column: str | None, device: str, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """With a classifier, the page shows the label of every text of FILE and which words weigh.

    FILE is a table, JSON lines or a text a line. Where it has labels, those that are wrong are
    marked, and the accuracy and a table of labels stand above.
    """
    show(
        file, output,
        lambda html: run(model=model, file=file, html=html, text_column=text_column,
                         label_column=label_column, device=device),
        _said, as_json=as_json, quiet=quiet,
    )  # fmt: skip


def _said(shown: View) -> tuple[str, dict[str, Any]]:
    line = f"{len(shown.rows)} texts"
    if shown.accuracy is not None:
        line += f"; accuracy {shown.accuracy:.2f}"
    return line, {
        "texts": len(shown.rows), "classes": list(shown.classes),
        "accuracy": None if shown.accuracy is None else round(shown.accuracy, 2),
    }  # fmt: skip


def run(
    *, model: Path, file: Path, html: Path, text_column: str | None, label_column: str | None,
    device: str,
) -> View:  # fmt: skip
    """Read the file, label its texts, write the page."""
    from fewshot_metalstm import runs
    from fewshot_metalstm.kinds.classification.pages.view import make_view, write_view
    from fewshot_metalstm.kinds.classification.predict import NO_WORD
    from fewshot_metalstm.kinds.classification.predictor import Predictor, cut_note
    from fewshot_metalstm.kinds.classification.settings import ATTENTION
    from fewshot_metalstm.kinds.classification.tables import (
        JSON,
        TABLES,
        read_rows,
        read_texts,
    )
    from fewshot_metalstm.machine import pick_device
    from fewshot_metalstm.pages.render import check_page

    check_page(html, file)
    notes: Counter[str] = Counter()
    if file.suffix.lower() in (*TABLES, *JSON):
        wanted = label_column is not None
        rows = list(read_rows(file, notes, text_column, label_column, labelled=wanted))
    else:
        rows = list(read_texts(file, notes, text_column))
    predictor = Predictor(runs.model_folder(model, "classifier"), pick_device(device))
    readings = predictor.read([row.text for row in rows])
    notes[NO_WORD] += sum(not reading.tokens for reading in readings)
    config = predictor.model.learner.config
    lines = [f"{number} {name}" for name, number in notes.items() if number]
    if cut := cut_note(readings, config.longest):
        lines.append(cut)
    shown = make_view(
        str(model), predictor.classes, rows, readings, attention=config.pool == ATTENTION,
        notes=lines,
    )  # fmt: skip
    write_view(shown, f"{file.name}, as the classifier reads it", html)
    return shown
