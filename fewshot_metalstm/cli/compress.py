"""``fewshot-metalstm compress``: prune, combine columns, 8 bits; a smaller model of a saved one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli import shells
from fewshot_metalstm.cli.kind_options import of_kind, target_options
from fewshot_metalstm.cli.options import (
    Number,
    config_option,
    data_dir_option,
    json_option,
    output_option,
    own_seed_option,
    quiet_option,
    set_option,
)
from fewshot_metalstm.cli.tables import print_table, say

if TYPE_CHECKING:
    from fewshot_metalstm.compress.account import Account
    from fewshot_metalstm.kinds.kind import Kind, Task


@click.command("compress")
@click.argument("model", type=click.Path(path_type=Path))
@output_option("Where to write report and model.", required=True)
@click.option("--sparsity", type=Number(0, 1, max_open=True), metavar="S",
              help="Share of each matrix that is pruned, the smallest weights.  "
              "[default: 0.6]")  # fmt: skip
@click.option("--columns", type=click.IntRange(1, 16), metavar="ALPHA",
              help="Columns of a group at most, packed into one; 1: none are combined.  "
              "[default: 4]")  # fmt: skip
@click.option("--conflicts", type=Number(0), metavar="GAMMA",
              help="Weights of a group that are pruned as a larger one stands in their row, a row "
              "on average, at most.  [default: 1.75]")  # fmt: skip
@click.option("--int8", is_flag=True, help="Weights in 8 bits, with a step for each output.")
@click.option("--vectors", type=click.IntRange(1), metavar="BYTES",
              help="Word vectors in product codes of so many bytes each, such as 25.  "
              "[default: as they are]")  # fmt: skip
@click.option("--train", metavar="FILE|NAME", shell_complete=shells.targets,
              help="What to retrain on: the annotated text, labelled texts or series that the "
              "model was adapted to.  [default: no retraining]")  # fmt: skip
@click.option("--shots", type=click.IntRange(0), metavar="K",
              help="Of --train, so many of each type or class, as `adapt` draws them; 0: all.  "
              "[default: 0]")  # fmt: skip
@click.option("--draw", type=click.IntRange(0), default=0, metavar="N",
              help="Of --shots, which draw.  [default: 0, that of a model that adapt "
              "saves]")  # fmt: skip
@click.option("--passes", type=click.IntRange(0), metavar="N",
              help="Passes over --train; few items are passed over more often, up to 400 steps.  "
              "[default: 8]")  # fmt: skip
@click.option("--test", metavar="FILE|NAME", shell_complete=shells.targets,
              help="What to score the model on, before and after: its test split, or the "
              "first.")  # fmt: skip
@target_options
@set_option("retrain.lr=0.001")
@config_option
@own_seed_option
@data_dir_option
@json_option
@quiet_option
def compress(as_json: bool, quiet: bool, **options: Any) -> None:
    """Write a smaller model of the adapted one in the folder MODEL.

    The weights of its recurrent layers are pruned, columns are combined into packed ones (Kung,
    McDanel and Zhang 2019), and with --int8 what is left is kept in 8 bits. With --train the model
    is trained on meanwhile, under the mask; without, it is pruned and packed alone, which costs far
    more of its figure. The result is used as the model is: `predict`, `evaluate`, `view`, MLflow.

    `--columns 1 --sparsity 0 --int8` keeps every weight, in 8 bits.
    """
    from fewshot_metalstm.cli.progress import TerminalProgress

    with TerminalProgress(quiet=quiet) as progress:
        account = run(progress=progress, **options)
    if as_json:
        click.echo(json.dumps(account.as_dict()))
        return
    title = f"{account.model}, compressed"
    print_table(title, ("", "before", "after"), account.lines())
    for note in account.notes():
        say(note)
    say(f"{Path(account.output).name}: {account.output}")


def run(
    *,
    model: Path,
    output: Path,
    sparsity: float | None,
    columns: int | None,
    conflicts: float | None,
    int8: bool,
    vectors: int | None,
    train: str | None,
    shots: int | None,
    draw: int,
    passes: int | None,
    test: str | None,
    overrides: tuple[str, ...],
    config_file: Path | None,
    seed: int | None,
    data_dir: Path | None,
    progress: Any,
    **reading: Any,
) -> Account:
    """Resolve the settings, load what to train and to score on, compress."""
    from fewshot_metalstm import runs
    from fewshot_metalstm.cli.inputs import source_of
    from fewshot_metalstm.compress.run import Exam, Practice
    from fewshot_metalstm.compress.run import compress as compressing
    from fewshot_metalstm.compress.settings import CompressConfig, check
    from fewshot_metalstm.config import resolve
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds import registry
    from fewshot_metalstm.kinds.task import scored_split
    from fewshot_metalstm.machine import keep_freed_memory

    keep_freed_memory()
    given = {
        "sparsity": sparsity, "combining.columns": columns, "combining.conflicts": conflicts,
        "int8": int8 or None, "vectors": vectors, "retrain.passes": passes, "seed": seed,
    }  # fmt: skip
    config = resolve(CompressConfig, config_file, overrides, given)
    check(config)
    if train is None and (shots or passes):
        raise UserError("--shots and --passes are of retraining; give --train FILE too")
    folder = runs.adapted_to_use(model)
    kind = registry.of_model(folder)
    kind.read_config(folder, kind.product)  # refuses what is no model before anything is read
    runs.claim(output, "the report")
    own = of_kind(kind, reading)
    practice = exam = None
    if train is not None:
        source = source_of(None, train, None, None) if Path(train).exists() else train
        task = loaded_target(kind, source, data_dir, own, progress)
        if "train" not in task.sizes:
            raise UserError(f"{task.name} has no train split to learn from; add one")
        support = kind.support(task, shots or 0, draw, config.seed)
        if support.note:
            progress.note(f"note: {support.note}")
        practice = Practice(task, support.indices, shots or 0)
    if test is not None:
        task = loaded_target(kind, test, data_dir, own, progress)
        exam = Exam(task, scored_split(task))

    def on_step(done: int, steps: int, loss: float) -> None:
        if done == 1:
            progress.phase("retraining", steps)
        progress.advance(done, {"loss": loss})

    with runs.run_folder(output, output.name, "the report") as place:
        return compressing(
            kind, folder, place, config, practice=practice, exam=exam, on_step=on_step
        )


def loaded_target(
    kind: Kind, source: str, data_dir: Path | None, own: dict[str, Any], progress: Any
) -> Task:
    """A target; what reading it changed is said."""
    from collections import Counter

    notes: Counter[str] = Counter()
    task: Task = kind.load_target(source, data_dir=data_dir, notes=notes, **own)
    for line in kind.change_lines(kind.changes(notes)):
        progress.note(f"note: {task.name}: {line}")
    return task
