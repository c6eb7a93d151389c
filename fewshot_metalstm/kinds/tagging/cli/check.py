"""``fewshot-metalstm check``: look annotated text over, and say what to mend."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from fewshot_metalstm.cli import failures
from fewshot_metalstm.cli.options import json_option, quiet_option
from fewshot_metalstm.cli.tables import print_json
from fewshot_metalstm.kinds.tagging.cli.format_options import scheme_option, tag_column_option

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.tagging.checking.finding import Report

_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


@click.command("check")
@click.argument("source", metavar="FILE|FOLDER")
@click.option("--format", "form", metavar="NAME",
              help="Of the file: conll, brat, ...  [default: by name and look]")  # fmt: skip
@scheme_option
@tag_column_option
@click.option("--examples", type=click.IntRange(0), default=3, show_default=True, metavar="N",
              help="Places that are named of each finding.")  # fmt: skip
@json_option
@quiet_option
@click.pass_context
def check(
    context: click.Context, /, source: str, form: str | None, scheme: str | None,
    tag_column: str | None, examples: int, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Look annotated text over before anything is learned from it.

    A folder may hold train, devel and test files (or folders), which are compared. Exits with 0
    when there is nothing worse than a warning, with 1 when there is an error (what other commands
    refuse, or what makes a score meaningless), with 2 when the text cannot be read. --quiet leaves
    notes out.
    """
    from fewshot_metalstm.kinds.tagging.checking.run import check as look

    report = look(source, form, examples, scheme, tag_column)
    if as_json:
        print_json(report.as_dict())
    else:
        show(report, notes=not quiet)
    if report.count("error"):
        context.exit(failures.PARTLY)


def show(report: Report, *, notes: bool = True) -> None:
    """Print what the text holds, and the findings with places and cures."""
    from rich.table import Table
    from rich.text import Text

    from fewshot_metalstm.cli.terminal import Terminal

    console = Terminal(width=None if sys.stdout.isatty() else 120, highlight=False)
    scheme = f", {report.scheme}" if report.scheme else ""
    table = Table(title=f"{report.path} ({report.format}{scheme})", title_justify="left")
    for column in (
        "split",
        "sentences",
        "with mentions",
        "tokens",
        "median",
        "longest",
        "mentions",
    ):
        table.add_column(column, justify="left" if column in ("split", "mentions") else "right")
    for each in report.splits:
        kinds = ", ".join(f"{kind} {count}" for kind, count in each.mentions.items())
        table.add_row(
            each.split or "all", str(each.sentences), str(each.bearing), str(each.tokens),
            str(each.median), str(each.longest), Text(kinds or "none"),
        )  # fmt: skip
    console.print(table)
    for finding in report.findings:
        if finding.severity == "note" and not notes:
            continue
        console.print(f"{finding.severity}: ", style=_STYLES[finding.severity], end="")
        console.print(f"{finding.problem}: {finding.count} [{finding.name}]", markup=False,
                      soft_wrap=True)  # fmt: skip
        for place in finding.examples:
            console.print(f"    {place}", markup=False, soft_wrap=True)
        console.print(f"  -> {finding.cure}", markup=False, soft_wrap=True)
    counts = ", ".join(f"{report.count(s)} {s}s" for s in ("error", "warning", "note"))
    console.print(counts)
