"""``fewshot-metalstm tasks``: suites, targets, overlaps, what helps what, frozen draws."""

from __future__ import annotations

from pathlib import Path

import click

from fewshot_metalstm.cli import shells
from fewshot_metalstm.cli.kind_options import kind_option
from fewshot_metalstm.cli.lazy import LazyCommand, LazyGroup, kind_command
from fewshot_metalstm.cli.options import data_dir_option, json_option
from fewshot_metalstm.cli.tables import print_json, print_table, say

_HERE = "fewshot_metalstm.cli.tasks"
_COMMANDS = {
    "audit": kind_command("tasks audit"),
    "draws": LazyCommand(f"{_HERE}:draws", "Draw the frozen supports of targets again."),
    "list": LazyCommand(f"{_HERE}:list_tasks", "List the suites and the targets."),
    "map": kind_command("tasks map"),
    "show": LazyCommand(f"{_HERE}:show", "Show the tasks of a suite, or the splits of a corpus."),
}


@click.group(cls=LazyGroup, lazy_commands=_COMMANDS)
def tasks() -> None:
    """Show tasks and suites, audit overlaps, map transfer, draw supports."""


@click.command("list")
@data_dir_option
@json_option
def list_tasks(data_dir: Path | None, as_json: bool) -> None:
    """List the suites to meta-train on and the targets to be scored on."""
    from fewshot_metalstm.data.overview import suite_rows, target_rows
    from fewshot_metalstm.data.splits import SPLITS
    from fewshot_metalstm.kinds import registry

    suites, targets = [], []
    for kind in map(registry.kind, registry.names()):
        known = kind.known(data_dir)
        suites += [(row, kind) for row in suite_rows(known, kind.name)]
        targets += [(row, kind) for row in target_rows(known, kind.name)]
    if as_json:
        print_json(
            {
                "suites": [row.as_dict() for row, _ in suites],
                "targets": [row.as_dict(kind.items) for row, kind in targets],
            }
        )
        return
    print_table(
        "Suites",
        ("suite", "kind", "tasks", "validation", "corpora at hand", "description"),
        (
            (s.name, s.kind, s.tasks, s.validation, f"{s.at_hand} of {s.corpora}", s.description)
            for s, _ in suites
        ),
    )
    print_table(
        "Targets",
        ("target", "kind", "family", "types", *SPLITS, "frozen draws", "at hand"),
        (
            (
                f"{t.name} (synthetic)" if t.synthetic else t.name,
                t.kind,
                t.family,
                ", ".join(t.types),
                *(t.sizes.get(split, "") for split in SPLITS),
                t.frozen_draws,
                "yes" if t.at_hand else "no",
            )
            for t, _ in targets
        ),
    )


@click.command("show")
@click.argument("name", shell_complete=shells.corpora)
@data_dir_option
@json_option
def show(name: str, data_dir: Path | None, as_json: bool) -> None:
    """Show the tasks of a suite, or the splits of a corpus (a name or a path).

    The sizes of a suite's tasks are those before the rules of exclusion; `audit` shows what the
    rules take.
    """
    from fewshot_metalstm.data.suites import load_suites

    if name in load_suites(kind=None):
        _show_suite(name, data_dir, as_json)
    else:
        _show_task(name, data_dir, as_json)


def _show_suite(name: str, data_dir: Path | None, as_json: bool) -> None:
    from fewshot_metalstm.data.overview import task_rows
    from fewshot_metalstm.data.suites import load_suite
    from fewshot_metalstm.kinds import registry

    suite = load_suite(name, kind=None)
    kind = registry.kind(suite.kind)
    rows = task_rows(suite, kind.known(data_dir))
    if as_json:
        print_json(
            {
                "suite": name,
                "kind": kind.name,
                "description": suite.description,
                "synthetic": suite.synthetic,
                "exclude": suite.exclude,
                "tasks": [row.as_dict(kind.items) for row in rows],
            }
        )
        return
    # Only a kind whose items hold something that is counted has a figure there.
    counted = any(row.mentions is not None for row in rows)
    print_table(
        f"{name}: {suite.description}",
        (
            *("role", "task", "family", "split", "types", kind.items),
            *(["mentions"] if counted else []),
            "at hand",
        ),
        (
            (
                *(row.role, row.name, row.family, row.split, ", ".join(row.types), row.size),
                *([row.mentions] if counted else []),
                "yes" if row.at_hand else "no",
            )
            for row in rows
        ),
    )


def _show_task(name: str, data_dir: Path | None, as_json: bool) -> None:
    from fewshot_metalstm.kinds import registry

    kind = registry.of_target(name)
    task = kind.load_target(name, data_dir=data_dir)
    splits = kind.split_rows(task)
    if as_json:
        print_json(
            {
                "task": task.name,
                "kind": kind.name,
                "family": task.family,
                "types": list(task.types),
                "synthetic": task.synthetic,
                "splits": [dict(row.record) for row in splits],
            }
        )
        return
    synthetic = ", synthetic" if task.synthetic else ""
    print_table(
        f"{task.name} (family {task.family}{synthetic})",
        list(splits[0].cells),
        (list(row.cells.values()) for row in splits),
    )


@click.command("draws")
@click.argument("targets", nargs=-1, shell_complete=shells.targets)
@click.option("--check", "mode", flag_value="check", default=True, help="Compare (default).")
@click.option("--write", "mode", flag_value="write", help="Write the files again.")
@kind_option
@data_dir_option
@json_option
def draws(
    targets: tuple[str, ...], mode: str, kind_name: str | None, data_dir: Path | None, as_json: bool
) -> None:
    """Draw the frozen supports of TARGETS (default: the official ones of tagging) again.

    --check compares them with the files and exits with code 1 when one differs.
    """
    from fewshot_metalstm.data.suites import load_targets
    from fewshot_metalstm.declarations import DEFAULT_KIND
    from fewshot_metalstm.kinds import registry

    names = targets or load_targets(kind=kind_name or DEFAULT_KIND).official
    kinds = {name: registry.of_target(name, kind_name) for name in names}
    # All are read before the first is written.
    loaded = [(kind, kind.load_target(name, data_dir=data_dir)) for name, kind in kinds.items()]
    if mode == "write":
        paths = [path for kind, target in loaded for path in kind.freeze_draws([target])]
        if as_json:
            print_json({"written": [str(path) for path in paths]})
        else:
            say("\n".join(f"wrote {path}" for path in paths))
        return
    problems = [line for kind, target in loaded for line in kind.check_draws([target])]
    if as_json:
        print_json({"targets": list(names), "problems": problems, "equal": not problems})
    else:
        equal = f"the frozen draws of {', '.join(names)} are what the sampler draws"
        say("\n".join(problems) or equal)
    if problems:
        raise SystemExit(1)
