"""``fewshot-metalstm demo``: the main job on the synthetic suite, from nothing to a tagger.

Then the checkpoint that ships with the package, where there is one, is adapted to a few sentences.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli.options import (
    json_option,
    no_tracking_option,
    output_option,
    quiet_option,
    seed_option,
    tracking_uri_option,
    workers_option,
)

if TYPE_CHECKING:
    from fewshot_metalstm.adapt.report import AdaptReport

SHOTS = (5, 20)
_QUICK = (
    "adapt.epochs=2", "adapt.min_steps=4", "adapt.averages=1",
    "scratch.epochs=2", "scratch.min_steps=4",
)  # fmt: skip


@click.command("demo")
@output_option("Where to write the runs.  [default: runs/demo]")
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

    After that the checkpoint that ships with the package, meta-trained on real corpora, is adapted
    to fifty invented sentences of a new kind of entity (demo-methods). Needs no download. Synthetic
    text is made from templates, and the invented text is short, so the figures say that the
    machinery works, not how well it reads real text. The reports of all draws are in the folders.
    """
    from fewshot_metalstm.cli.progress import TerminalProgress
    from fewshot_metalstm.cli.terminal import Terminal
    from fewshot_metalstm.kinds.tagging.cli.demo_story import (
        conclusion,
        done,
        examples,
        further,
        overview,
    )
    from fewshot_metalstm.meta.outcome import Interrupted

    with TerminalProgress(quiet=quiet) as progress:
        try:
            training, reports, shipped = run(progress=progress, **options)
        except Interrupted as stop:
            progress.close()
            click.echo("interrupted; start the demo anew, it takes minutes", err=True)
            context.exit(128 + stop.signal)
    if as_json:
        adapted = [report.as_dict() for report in reports]
        outcome = {"synthetic": True, "meta_train": training, "adapt": adapted,
                "shipped": shipped and shipped.as_dict()}  # fmt: skip
        click.echo(json.dumps(outcome))
        return
    every = reports if shipped is None else [*reports, shipped]
    console = Terminal(width=None if sys.stdout.isatty() else 120)
    console.print("\n".join(done(training, every)), highlight=False)
    console.print(overview(every))
    lines = (*conclusion(every), *examples(every[-1]), *further(every))
    console.print("\n".join(lines), highlight=False, soft_wrap=True)


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
) -> tuple[dict[str, Any], list[AdaptReport], AdaptReport | None]:
    """Meta-train, then adapt at each number of shots with the scratch baseline beside it.

    The last report is that of the shipped checkpoint; None where the package holds none.
    """
    from fewshot_metalstm import pretrained, runs
    from fewshot_metalstm.cli import adapt, meta_train
    from fewshot_metalstm.kinds.tagging.corpora.demo import DEMO_TARGET, METHODS
    from fewshot_metalstm.kinds.tagging.episodes.load import load_target

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
    adapting: dict[str, Any] = {
        "tune": "auto", "baselines": ("scratch",), "types": (), "scheme": None, "repair": False,
        "no_score": False, "overrides": _QUICK if quick else (), **shared,
    }  # fmt: skip
    reports = [
        adapt.run(
            target=DEMO_TARGET, shots=shots, checkpoint=result.checkpoint,
            output=output / f"shots-{shots}", draws=1 if quick else draws, **adapting,
        )
        for shots in SHOTS
    ]  # fmt: skip
    fitting = pretrained.fitting(load_target(METHODS))
    if not fitting:
        progress.note("no checkpoint ships with this installation, so that its part is left out")
        return result.as_dict(), reports, None
    shipped = adapt.run(
        target=METHODS, shots=0, checkpoint=fitting[0], output=output / "shipped", draws=1,
        **adapting,
    )  # fmt: skip
    return result.as_dict(), reports, shipped
