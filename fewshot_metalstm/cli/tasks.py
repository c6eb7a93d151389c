"""``fewshot-metalstm tasks``: suites, targets, their overlap, and the frozen draws."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli import shells
from fewshot_metalstm.cli.options import data_dir_option, json_option

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.tagging.episodes.audit import AuditReport
    from fewshot_metalstm.kinds.tagging.episodes.task import Task

PIPE_WIDTH = 200
"""Columns of a table that goes to a file or a pipe, where nothing would be cut anyway."""


@click.group()
def tasks() -> None:
    """Show tasks and suites, audit overlaps, draw supports."""


@tasks.command("list")
@data_dir_option
@json_option
def list_tasks(data_dir: Path | None, as_json: bool) -> None:
    """List the suites to meta-train on and the targets to be scored on."""
    from fewshot_metalstm.kinds.tagging.episodes.overview import suite_rows, target_rows
    from fewshot_metalstm.kinds.tagging.episodes.source import InstalledCorpora

    source = InstalledCorpora(data_dir)
    suites, targets = suite_rows(source), target_rows(source)
    if as_json:
        _print_json(
            {
                "suites": [asdict(row) for row in suites],
                "targets": [asdict(row) for row in targets],
            }
        )
        return
    _print_table(
        "Suites",
        ("suite", "tasks", "validation", "corpora at hand", "description"),
        (
            (s.name, s.tasks, s.validation, f"{s.at_hand} of {s.corpora}", s.description)
            for s in suites
        ),
    )
    _print_table(
        "Targets",
        ("target", "family", "types", "train", "devel", "test", "frozen draws", "at hand"),
        (
            (
                f"{t.name} (synthetic)" if t.synthetic else t.name,
                t.family,
                ", ".join(t.types),
                *t.sentences.values(),
                t.frozen_draws,
                "yes" if t.at_hand else "no",
            )
            for t in targets
        ),
    )


@tasks.command()
@click.argument("name", shell_complete=shells.corpora)
@data_dir_option
@json_option
def show(name: str, data_dir: Path | None, as_json: bool) -> None:
    """Show the tasks of a suite, or the splits of a corpus (a name or a path).

    The sizes of a suite's tasks are those before the rules of exclusion; `audit` shows what the
    rules take.
    """
    from fewshot_metalstm.data.suites import load_suites
    from fewshot_metalstm.kinds.tagging.episodes.load import load_target
    from fewshot_metalstm.kinds.tagging.episodes.overview import split_rows, task_rows
    from fewshot_metalstm.kinds.tagging.episodes.source import InstalledCorpora

    suites = load_suites()
    if name in suites:
        suite = suites[name]
        rows = task_rows(suite, InstalledCorpora(data_dir))
        if as_json:
            _print_json(
                {
                    "suite": name,
                    "description": suite.description,
                    "synthetic": suite.synthetic,
                    "exclude": suite.exclude,
                    "tasks": [asdict(row) for row in rows],
                }
            )
            return
        _print_table(
            f"{name}: {suite.description}",
            ("role", "task", "family", "split", "types", "sentences", "mentions", "at hand"),
            (
                (
                    row.role,
                    row.name,
                    row.family,
                    row.split,
                    ", ".join(row.types),
                    row.sentences,
                    row.mentions,
                    "yes" if row.at_hand else "no",
                )
                for row in rows
            ),
        )
        return
    task = load_target(name, data_dir=data_dir)
    splits = split_rows(task)
    if as_json:
        _print_json(
            {
                "task": task.name,
                "family": task.family,
                "types": list(task.types),
                "synthetic": task.corpus.synthetic,
                "splits": [asdict(row) for row in splits],
            }
        )
        return
    synthetic = ", synthetic" if task.corpus.synthetic else ""
    _print_table(
        f"{task.name} (family {task.family}{synthetic})",
        ("split", "sentences", "with mentions", "longest", *task.types),
        ((r.split, r.sentences, r.bearing, r.longest, *r.mentions.values()) for r in splits),
    )


@tasks.command()
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
        _print_json(report.as_dict())
    else:
        _print_audit(report)


@tasks.command()
@click.argument("targets", nargs=-1, shell_complete=shells.targets)
@click.option("--check", "mode", flag_value="check", default=True, help="Compare (default).")
@click.option("--write", "mode", flag_value="write", help="Write the files again.")
@data_dir_option
@json_option
def draws(targets: tuple[str, ...], mode: str, data_dir: Path | None, as_json: bool) -> None:
    """Draw the frozen supports of TARGETS (default: the official ones) again.

    --check compares them with the files and exits with code 1 when one differs.
    """
    from fewshot_metalstm.data.suites import load_targets
    from fewshot_metalstm.kinds.tagging.episodes.draws import check, freeze
    from fewshot_metalstm.kinds.tagging.episodes.load import load_target

    names = targets or load_targets().official
    loaded: list[Task] = [load_target(name, data_dir=data_dir) for name in names]
    if mode == "write":
        paths = freeze(loaded)
        if as_json:
            _print_json({"written": [str(path) for path in paths]})
        else:
            click.echo("\n".join(f"wrote {path}" for path in paths))
        return
    problems = check(loaded)
    if as_json:
        _print_json({"targets": list(names), "problems": list(problems), "equal": not problems})
    else:
        equal = f"the frozen draws of {', '.join(names)} are what the sampler draws"
        click.echo("\n".join(problems) or equal)
    if problems:
        raise SystemExit(1)


def _print_audit(report: AuditReport) -> None:
    def arrow(before: int | None, after: int | None) -> str:
        return "" if before is None else f"{before} -> {after}"

    _print_table(
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


def _print_json(value: dict[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


def _print_table(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*("?" if cell is None else str(cell) for cell in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPE_WIDTH)
    console.print(table, markup=False)
