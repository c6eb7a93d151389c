"""``fewshot-metalstm tasks map``: the loss of each source head on each target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli import shells
from fewshot_metalstm.cli.options import (
    checkpoint_option,
    data_dir_option,
    device_option,
    json_option,
    output_option,
    quiet_option,
    seed_option,
)
from fewshot_metalstm.cli.tables import print_json, print_table, say
from fewshot_metalstm.kinds.tagging.cli.target_options import target_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fewshot_metalstm.kinds.tagging.adapt.task_map import Supported, TaskMap
    from fewshot_metalstm.kinds.tagging.adapt.transfer_order import Agreement
    from fewshot_metalstm.kinds.tagging.episodes.task import Task
    from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel


@click.command("map")
@checkpoint_option
@click.option("--target", "targets", multiple=True, metavar="NAME|PATH",
              shell_complete=shells.targets,
              help="A corpus, or annotated text of yours; repeatable.  [default: the checkpoint's "
              "own source tasks, on their devel splits]")  # fmt: skip
@click.option("--shots", type=click.IntRange(0), default=50, show_default=True, metavar="K",
              help="Mentions of each type in a support; 0: the whole split.")  # fmt: skip
@click.option("--draw", type=click.IntRange(0), default=0, show_default=True, metavar="N",
              help="Which support.")  # fmt: skip
@seed_option
@click.option("--measured", type=click.Path(path_type=Path), metavar="FILE",
              help="Table (CSV: target, source, f1; of a support also shots, draw) of taggers that "
              "were adapted from one head each; says how well the losses order them.")  # fmt: skip
@output_option("Where to write page, pictures and table.  [default: runs/task-map]")
@target_options
@data_dir_option
@device_option
@json_option
@quiet_option
def task_map(as_json: bool, quiet: bool, **options: Any) -> None:
    """Map which source task of a checkpoint helps which target.

    A checkpoint of joint training, as those that ship, keeps a head for every entity type that it
    learned from. The map has the loss of each of them on a support of each target, before
    anything is adapted: a row for an entity type of a target, a column for a head. Without
    --target the source tasks stand against each other.

    FOLDER gets map.html, map.svg, map.png and losses.csv (nats a mention).
    """
    from fewshot_metalstm.cli.progress import TerminalProgress

    with TerminalProgress(quiet=quiet) as progress:
        place, made, agreement = run(progress=progress, **options)
    if as_json:
        print_json({
            "output": str(place), **made.as_dict(),
            "measured": [each.as_dict() for each in agreement],
        })  # fmt: skip
        return
    show(made, agreement)
    say(f"{place / 'map.html'}: {len(made.rows)} types of targets, {len(made.sources)} heads")


def run(
    *,
    checkpoint: Path | None,
    targets: tuple[str, ...],
    shots: int,
    draw: int,
    seed: int,
    measured: Path | None,
    output: Path | None,
    data_dir: Path | None,
    device: str,
    progress: Any,
    form: str | None,
    **reading: Any,
) -> tuple[Path, TaskMap, tuple[Agreement, ...]]:
    """Read checkpoint and targets, make the map, write its files."""
    from fewshot_metalstm import pretrained, runs
    from fewshot_metalstm.adapt.report import checkpoint_name
    from fewshot_metalstm.cli.inputs import find_checkpoint
    from fewshot_metalstm.kinds.tagging.adapt.task_map import heads_kept, make_map, source_tasks
    from fewshot_metalstm.kinds.tagging.adapt.transfer_order import agreements, read_measured
    from fewshot_metalstm.kinds.tagging.episodes.load import load_target
    from fewshot_metalstm.kinds.tagging.pages.task_map import draw_map, write_losses, write_map
    from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, load_model
    from fewshot_metalstm.machine import pick_device

    notes: list[str] = []
    figures, others = read_measured(measured, shots, draw) if measured is not None else ({}, 0)
    if others:
        notes.append(f"{others} lines of {measured} are of other supports, and left out")
    tasks = [load_target(t, data_dir=data_dir, format=form, **reading) for t in targets]
    if tasks:
        folder = find_checkpoint(checkpoint, tasks[0], progress)
    elif checkpoint is not None:
        folder = runs.model_folder(checkpoint, "checkpoint")
    else:
        folder = runs.newest_checkpoint(keeps_heads, shipped=tuple(pretrained.folders().values()))
        progress.note(f"using the checkpoint {pretrained.name_of(folder) or folder}")
    model = load_model(folder, CHECKPOINT)
    model.learner.to(pick_device(device))
    name = checkpoint_name(folder)
    own = source_tasks(heads_kept(model, name))
    with runs.run_folder(output, "task-map", "the map") as place:
        progress.phase("trying the heads on targets", len(tasks or own))
        chosen = (
            given_targets(tasks, model, shots, draw, seed, notes)
            if tasks else own_targets(own, model, data_dir, shots, draw, seed, notes)
        )  # fmt: skip
        made = make_map(
            model, name, chosen, shots=shots, draw=draw, seed=seed, notes=notes,
            on_target=lambda done: progress.advance(done, {}),
        )  # fmt: skip
        agreement = agreements(made, figures, measured) if measured is not None else ()
        progress.note("drawing")
        write_losses(made, place / "losses.csv")
        draw_map(made, place / "map.png")
        write_map(made, draw_map(made, place / "map.svg"), place / "map.html", agreement)
    for note in made.notes:
        progress.note(f"note: {note}")
    return place, made, agreement


def keeps_heads(folder: Path) -> bool:
    """Whether a checkpoint is a tagger's, with the heads of its source tasks."""
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds import registry

    try:
        config = registry.kind("tagging").read_config(folder, "checkpoint")
    except UserError:
        return False
    return bool(config.get("heads") or config["about"].get("memory"))


def own_targets(
    own: dict[str, list[str]], model: TaggerModel, data_dir: Path | None, shots: int, draw: int,
    seed: int, notes: list[str],
) -> Iterator[Supported]:  # fmt: skip
    """The checkpoint's source tasks, each on a support of its devel split; notes as below."""
    from fewshot_metalstm.kinds.tagging.adapt.task_map import of_source

    for name, types in own.items():
        found, note = of_source(model, name, types, data_dir, shots, draw, seed)
        if note:
            notes.append(note)
        yield found


def given_targets(
    tasks: list[Task], model: TaggerModel, shots: int, draw: int, seed: int, notes: list[str]
) -> Iterator[Supported]:
    """The targets that were named; to ``notes`` goes what they lack, and what is known of them."""
    from fewshot_metalstm.kinds.tagging.adapt.task_map import of_target

    for task in tasks:
        found, note = of_target(task, shots, draw, seed)
        if note:
            notes.append(note)
        if task.family in model.about.get("families", ()):
            notes.append(
                f"the checkpoint has learned from {task.name}'s family {task.family}: its heads "
                "of that family know these sentences"
            )
        yield found


def show(made: TaskMap, agreement: tuple[Agreement, ...]) -> None:
    """Print the best heads of each row, and the agreement with what was measured."""
    from fewshot_metalstm.kinds.tagging.pages.task_map import ranked

    print_table(
        f"The source heads of {made.checkpoint} with the lowest loss (nats a mention)",
        ("target", "mentions", "own head", "best of another family", "best heads"),
        (
            (
                one.row.name, one.row.mentions, one.own_place or "",
                "" if one.foreign is None else f"{one.foreign[0]} {one.foreign[1]:.2f}",
                ", ".join(f"{name} {loss:.2f}" for name, loss in one.best),
            )
            for one in ranked(made)
        ),
    )  # fmt: skip
    if agreement:
        print_table(
            "Beside measured transfer: Spearman's rank correlation of minus the loss with F1",
            ("target", "heads", "rank correlation", "p", "lowest loss", "its F1", "greatest F1",
             "its F1", "mean F1"),
            (
                (
                    a.target, a.heads, f"{a.rank_correlation:+.2f}", f"{a.p:.3f}", a.chosen,
                    f"{a.f1_chosen:.1f}", a.best, f"{a.f1_best:.1f}", f"{a.f1_mean:.1f}",
                )
                for a in agreement
            ),
        )  # fmt: skip
