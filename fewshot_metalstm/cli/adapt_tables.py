"""The tables that ``adapt`` prints."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from fewshot_metalstm.adapt.report import AdaptReport


def show(report: AdaptReport) -> None:
    """Print the report's tables."""
    from fewshot_metalstm.cli.terminal import Terminal

    console = Terminal(width=None if sys.stdout.isatty() else 120)
    if report.main.summary() is not None:
        console.print(summary_table(report))
        first = report.main.cells[0].score
        if first is not None and len(first.groups) > 1:
            console.print(group_table(report))
    console.print(f"{report.product}: {report.model}", highlight=False, soft_wrap=True)
    console.print(f"Next: fewshot-metalstm predict {report.model} FILE", highlight=False,
                  soft_wrap=True)  # fmt: skip


def summary_table(report: AdaptReport) -> Table:
    """Draws in rows, then the mean with its 95% interval, for every method."""
    from rich.table import Table

    figure, items = report.figure, report.items
    shots = f"{report.shots} shots" if report.shots else "the whole train split"
    target = f"{report.target} {report.world}".rstrip()
    text = f" and {report.text}" if report.text else ""
    table = Table(title=f"{target}, {shots}{text}: {figure.title} on the test split")
    sizes = tuple(dict.fromkeys((figure.counted, items)))
    for column in ("method", "draw", figure.label, *figure.further, *sizes, "s"):
        table.add_column(column, justify="left" if column == "method" else "right")
    for method in report.methods:
        label = report.label(method.method)
        for cell in method.cells:
            assert cell.score is not None
            further = (figure.shown(cell.score.further[key]) for key in figure.further)
            known = cell.sizes(items, figure)
            table.add_row(
                label, str(cell.draw), figure.shown(cell.score.value), *further,
                *(str(known[f"support_{size}"]) for size in sizes), f"{cell.seconds:.1f}",
            )  # fmt: skip
        spread = method.summary(figure.digits)
        mean = "" if spread is None else spread.text()
        table.add_row(label, "mean", mean, style="bold", end_section=True)
    return table


def group_table(report: AdaptReport) -> Table:
    """Means over the draws for each type or class."""
    from rich.table import Table

    figure = report.figure
    table = Table(
        title=f"{report.label(report.main.method)}, each {figure.group}, mean of the draws"
    )
    columns = (figure.group, figure.label, *figure.further, f"test {figure.counted}")
    for column in columns:
        table.add_column(column, justify="left" if column == figure.group else "right")
    scores = [cell.score for cell in report.main.cells if cell.score is not None]
    for name in sorted({name for score in scores for name in score.groups}):
        rows = [score.groups[name] for score in scores if name in score.groups]
        means = [sum(r.value for r in rows) / len(rows)]
        means += [sum(r.further[key] for r in rows) / len(rows) for key in figure.further]
        table.add_row(name, *map(figure.shown, means), str(max(r.size for r in rows)))
    return table
