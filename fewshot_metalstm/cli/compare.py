"""``fewshot-metalstm compare``: the table of methods, from MLflow's store."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli.options import json_option, quiet_option, tracking_uri_option

if TYPE_CHECKING:
    from fewshot_metalstm.sweep.comparison import Comparison


@click.command("compare")
@click.argument("names", nargs=-1, metavar="[RUN|EXPERIMENT]...")
@click.option("--against", metavar="METHOD",
              help="The method to hold the others against.  [default: the first]")  # fmt: skip
@tracking_uri_option
@json_option
@quiet_option
def compare(
    names: tuple[str, ...],
    against: str | None,
    tracking_uri: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare the adapted taggers in MLflow's store: mean F1 with intervals, paired differences.

    Name runs of adapt and sweep (by name or identifier) or experiments; by default all that is
    tracked here is compared.
    """
    from fewshot_metalstm.sweep.comparison import compare as make
    from fewshot_metalstm.tracking.comparison import tracked_cells
    from fewshot_metalstm.tracking.store import tracking_uri as resolve

    uri = resolve(tracking_uri, create=False)
    comparison = make(tracked_cells(uri, names), against)
    if as_json:
        click.echo(json.dumps(as_dict(comparison, uri)))
        return
    from rich.console import Console

    from fewshot_metalstm.cli.sweep import comparison_table

    for note in () if quiet else comparison.notes:
        click.echo(f"note: {note}", err=True)
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(comparison_table(*comparison.table()))


def as_dict(comparison: Comparison, uri: str) -> dict[str, Any]:
    """What ``--json`` prints; rows as those of ``sweep``."""
    return {
        "tracking_uri": uri, "first": comparison.first,
        "rows": [row.as_dict() for row in comparison.rows],
        "synthetic": list(comparison.synthetic), "notes": list(comparison.notes),
    }  # fmt: skip
