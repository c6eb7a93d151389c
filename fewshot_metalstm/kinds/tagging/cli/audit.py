"""``fewshot-metalstm tasks audit``: which sentences of a target a suite holds too."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fewshot_metalstm.cli import shells
from fewshot_metalstm.cli.options import data_dir_option, json_option
from fewshot_metalstm.cli.tables import print_json, print_table

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.tagging.episodes.audit import AuditReport


@click.command("audit")
@click.argument("suite", shell_complete=shells.suites)
@click.argument("target", shell_complete=shells.targets)
@click.option("--near/--no-near", default=True, help="Count near-duplicates, too (slower).")
@data_dir_option
@json_option
def audit(suite: str, target: str, near: bool, data_dir: Path | None, as_json: bool) -> None:
    """Audit the sentence overlap of SUITE with TARGET before and after the exclusion rules."""
    from fewshot_metalstm.kinds.tagging.episodes.audit import audit_suite

    report = audit_suite(suite, target, data_dir=data_dir, near=near)
    if as_json:
        print_json(report.as_dict())
    else:
        _print_audit(report)


def _print_audit(report: AuditReport) -> None:
    def arrow(before: int | None, after: int | None) -> str:
        return "" if before is None else f"{before} -> {after}"

    print_table(
        f"{report.suite} against the {report.test_sentences} distinct test sentences of "
        f"{report.target}, before -> after the rules of exclusion",
        ("task", "family", "split", "distinct sentences", "shared", "near", ""),
        (
            (
                o.task,
                o.family,
                o.split,
                arrow(o.sentences, o.sentences_after),
                arrow(o.shared, o.shared_after),
                arrow(o.near, o.near_after),
                "left out (the target's family)" if o.left_out else "",
            )
            for o in report.overlaps
        ),
    )
    click.echo("shared: test sentences whose lower-cased tokens equal those of a task's sentence")
    click.echo("near: other test sentences, half of whose 8-grams or more stand in a task's text")
    for split, shared in report.own.items():
        click.echo(
            f"{report.target}'s own {split} split holds {shared} of its test sentences; "
            "supports are drawn from the train split as it is"
        )
