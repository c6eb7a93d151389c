"""``fewshot-metalstm compare``: the table of methods, from MLflow's store."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli.options import json_option, quiet_option, tracking_uri_option
from fewshot_metalstm.cli.tables import say

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
    """Compare the adapted taggers in MLflow's store: mean figures, paired differences.

    Name runs of adapt and sweep (by name or identifier) or experiments; by default all that is
    tracked here is compared.
    """
    from fewshot_metalstm.sweep.comparison import by_kind
    from fewshot_metalstm.sweep.comparison import compare as make
    from fewshot_metalstm.tracking.comparison import tracked_cells
    from fewshot_metalstm.tracking.store import tracking_uri as resolve

    uri = resolve(tracking_uri, create=False)
    groups = by_kind(tracked_cells(uri, names))
    comparisons = [make(cells, against) for cells in groups.values()] or [make((), against)]
    if as_json:
        click.echo(json.dumps(as_dict(comparisons, uri)))
        return
    from fewshot_metalstm.cli.sweep import comparison_table
    from fewshot_metalstm.cli.terminal import Terminal

    console = Terminal(width=None if sys.stdout.isatty() else 120)
    for comparison in comparisons:
        for note in () if quiet else comparison.notes:
            say(f"note: {note}", err=True)
        console.print(comparison_table(*comparison.table(), comparison.figure.title))


def as_dict(comparisons: Sequence[Comparison], uri: str) -> dict[str, Any]:
    """What ``--json`` prints; rows as those of ``sweep``, kind after kind."""
    return {
        "tracking_uri": uri, "first": comparisons[0].first,
        "rows": [row.as_dict() for each in comparisons for row in each.rows],
        "synthetic": [name for each in comparisons for name in each.synthetic],
        "notes": [note for each in comparisons for note in each.notes],
    }  # fmt: skip
