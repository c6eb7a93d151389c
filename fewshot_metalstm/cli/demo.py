"""``fewshot-metalstm demo``: the main job on the synthetic suite, from nothing to a tagger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from fewshot_metalstm.cli.options import (
    json_option,
    no_tracking_option,
    quiet_option,
    seed_option,
    tracking_uri_option,
    workers_option,
)

SHOTS = (5, 20)
_QUICK = (
    "adapt.epochs=2", "adapt.min_steps=4", "adapt.averages=1",
    "scratch.epochs=2", "scratch.min_steps=4",
)  # fmt: skip


@click.command("demo")
@click.option("--output", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Where to write the runs.  [default: runs/demo]")  # fmt: skip
@click.option("--outer-steps", type=click.IntRange(1), metavar="N", help="Outer steps.")
@click.option("--draws", default=5, show_default=True, type=click.IntRange(1), metavar="N",
              help="Supports to adapt to, for each number of shots.")  # fmt: skip
@click.option("--quick", is_flag=True, help="A minute instead of some; the figures mean nothing.")
@workers_option
@no_tracking_option
@seed_option
@tracking_uri_option
@json_option
@quiet_option
@click.pass_context
def demo(context: click.Context, /, as_json: bool, quiet: bool, **options: Any) -> None:
    """Meta-train on the synthetic suite, then adapt to its held-out target at 5 and 20 shots.

    Needs no download. The text is made from templates, so the figures say that the machinery
    works, not how well it reads real text.
    """
    from fewshot_metalstm.cli.adapt import show
    from fewshot_metalstm.cli.progress import TerminalProgress
    from fewshot_metalstm.tagging.outcome import Interrupted

    with TerminalProgress(quiet=quiet) as progress:
        try:
            training, reports = run(progress=progress, **options)
        except Interrupted as stop:
            progress.close()
            click.echo("interrupted; start the demo anew, it takes minutes", err=True)
            context.exit(128 + stop.signal)
    if as_json:
        adapted = [report.as_dict() for report in reports]
        click.echo(json.dumps({"synthetic": True, "meta_train": training, "adapt": adapted}))
        return
    for report in reports:
        show(report)


def run(
    *,
    output: Path | None,
    outer_steps: int | None,
    draws: int,
    quick: bool,
    workers: int,
    no_tracking: bool,
    seed: int,
    tracking_uri: str | None,
    progress: Any,
) -> tuple[dict[str, Any], list[Any]]:
    """Meta-train, then adapt at each number of shots with the scratch baseline beside it."""
    from fewshot_metalstm import runs
    from fewshot_metalstm.cli import adapt, meta_train
    from fewshot_metalstm.corpora.demo import DEMO_TARGET

    if output is None:
        output = runs.fresh("demo")
    else:
        runs.claim(output, "the demo")
    shared: dict[str, Any] = {
        "workers": workers, "no_tracking": no_tracking, "seed": seed, "device": "cpu",
        "data_dir": None, "tracking_uri": tracking_uri, "progress": progress,
    }  # fmt: skip
    small = ("joint.steps=20", "vectors.epochs=1", "validation.episodes=2") if quick else ()
    _, result = meta_train.run(
        tasks="demo", output=output / "meta-train", exclude=(), config_file=None, overrides=small,
        resume=False, algorithm=None, outer_steps=outer_steps or (4 if quick else None),
        meta_batch=None, outer_lr=None, inner_steps=None, inner_lr=None, joint_steps=None, **shared,
    )  # fmt: skip
    reports = [
        adapt.run(
            target=DEMO_TARGET, shots=shots, checkpoint=result.checkpoint,
            output=output / f"shots-{shots}", draws=1 if quick else draws, tune="auto",
            baselines=("scratch",), types=(), scheme=None, repair=False, no_score=False,
            overrides=_QUICK if quick else (), **shared,
        )
        for shots in SHOTS
    ]  # fmt: skip
    return result.as_dict(), reports
