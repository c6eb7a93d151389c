"""Options that several commands share, so that they read and behave the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from fewshot_metalstm.cli import shells
from fewshot_metalstm.ranges import LARGEST_SEED

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Number(click.FloatRange):
    """A range of numbers that leaves out NaN and infinity."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """See :class:`click.ParamType`."""
        found = float(super().convert(value, param, ctx))
        if not math.isfinite(found):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return found


class Folder(click.Path):
    """A folder to write to, which standard output is not."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See :class:`click.ParamType`."""
        if str(value) == "-":
            self.fail("standard output is no folder; name one.", param, ctx)
        if value == "":
            self.fail("the name is empty; name a folder.", param, ctx)
        return super().convert(value, param, ctx)


class Output(click.Path):
    """A file to write, or a folder of them that is made as one; ``-`` is standard output."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See :class:`click.ParamType`."""
        if not Path(value).name:  # empty, the folder that one is in, the root
            self.fail(f"{str(value)!r} is no name of a file; name one.", param, ctx)
        return super().convert(value, param, ctx)


def output_option(help: str, *, required: bool = False) -> Callable[[_Command], _Command]:
    """``-o``, ``--output FOLDER`` as ``output: Path | None``, of a command that writes a folder."""
    return click.option(
        "-o", "--output", required=required, type=Folder(), metavar="FOLDER", help=help
    )


def output_file_option(
    help: str, *, once: str | None = None, metavar: str = "FILE"
) -> Callable[[_Command], _Command]:
    """``-o``, ``--output FILE`` as ``output: Path | None``, for which ``-`` is standard output.

    ``once`` is what the option was called before; it still is.
    """
    names = ("-o", "--output", *((once,) if once else ()), "output")
    return click.option(*names, type=Output(), metavar=metavar, help=help)


def set_option(example: str) -> Callable[[_Command], _Command]:
    """``--set SECTION.KEY=VALUE`` as ``overrides: tuple[str, ...]``."""
    return click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="SECTION.KEY=VALUE",
        help=f"One setting, such as {example}; repeatable.",
    )


def checkpoint_option(command: _Command) -> _Command:
    """``--checkpoint FOLDER|NAME`` as ``checkpoint: Path | None``."""
    return click.option(
        "--checkpoint",
        type=click.Path(path_type=Path),
        metavar="FOLDER|NAME",
        shell_complete=shells.checkpoints,
        help="What meta-train wrote, or one that ships: bionlp, mtl-bio, load, reviews.  [default: "
        "the newest that fits in runs, or else one that ships]",
    )(command)


def tune_option(command: _Command) -> _Command:
    """``--tune WHAT`` as ``tune: str | None``."""
    return click.option(
        "--tune",
        type=click.Choice(["auto", "basic", "head", "all", "prototypes", "nnshot", "structshot"]),
        help="What is adapted: all, basic LSTM and head, or the head alone; auto: all, or what "
        "the checkpoint has learned rates for; without gradients: a head of prototypes, or "
        "nearest neighbours.  [default: auto]",
    )(command)


def run_options(command: _Command) -> _Command:
    """What every command that trains or adapts has: how a run is tracked, seeded and told.

    ``--no-tracking``, ``--seed``, ``--device``, ``--data-dir``, ``--tracking-uri``, ``--json`` and
    ``--quiet``.
    """
    for option in (
        quiet_option, json_option, tracking_uri_option, data_dir_option, device_option,
        own_seed_option, no_tracking_option,
    ):  # fmt: skip
        command = option(command)
    return command


def data_dir_option(command: _Command) -> _Command:
    """``--data-dir FOLDER`` as ``data_dir: Path | None``."""
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Folder of the corpora; else FEWSHOT_METALSTM_DATA, else the user's cache folder.",
    )(command)


def json_option(command: _Command) -> _Command:
    """``--json`` as ``as_json: bool``: one JSON object on standard output, and nothing else."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print one JSON object on standard output instead of tables.",
    )(command)


def seed_option(command: _Command) -> _Command:
    """``--seed N`` as ``seed: int``, 0 by default."""
    return click.option(
        "--seed",
        type=click.IntRange(0, LARGEST_SEED),
        default=0,
        show_default=True,
        metavar="N",
        help="Seed of every random number of the run.",
    )(command)


def own_seed_option(command: _Command) -> _Command:
    """``--seed N`` as ``seed: int | None``, for commands whose settings file may name it."""
    return click.option(
        "--seed",
        type=click.IntRange(0, LARGEST_SEED),
        metavar="N",
        help="Seed of every random number of the run.  [default: 0]",
    )(command)


def config_option(command: _Command) -> _Command:
    """``--config FILE`` as ``config_file: Path | None``."""
    return click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Settings in YAML, as `init` and a run's config.yaml have them; options come after.",
    )(command)


def tracking_uri_option(command: _Command) -> _Command:
    """``--tracking-uri URI`` as ``tracking_uri: str | None``."""
    return click.option(
        "--tracking-uri",
        metavar="URI",
        help="MLflow's tracking store; else MLFLOW_TRACKING_URI, else one in the runs folder.",
    )(command)


def device_option(command: _Command) -> _Command:
    """``--device auto|cpu|cuda`` as ``device: str``, auto by default."""
    return click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda"]),
        default="auto",
        show_default=True,
        help="Where to compute; auto takes a GPU when there is one.",
    )(command)


def workers_option(command: _Command) -> _Command:
    """``--workers N`` as ``workers: int``; 0, the default, is one a core."""
    return click.option(
        "--workers",
        type=click.IntRange(0),
        default=0,
        metavar="N",
        help="Processes; results do not depend on it.  [default: one a core]",
    )(command)


def no_tracking_option(command: _Command) -> _Command:
    """``--no-tracking`` as ``no_tracking: bool``."""
    return click.option("--no-tracking", is_flag=True, help="Write nothing to MLflow.")(command)


def quiet_option(command: _Command) -> _Command:
    """``--quiet`` as ``quiet: bool``."""
    return click.option(
        "--quiet", "-q", is_flag=True, help="No progress bars and notes on standard error."
    )(command)


def runner_option(command: _Command) -> _Command:
    """``--runner auto|pool|ray`` as ``runner: str``, auto by default."""
    return click.option(
        "--runner",
        type=click.Choice(["auto", "pool", "ray"]),
        default="auto",
        show_default=True,
        help="A pool of processes, or Ray; auto takes Ray where it is installed.",
    )(command)


def retries_option(command: _Command) -> _Command:
    """``--retries N`` as ``retries: int``, 1 by default."""
    return click.option(
        "--retries",
        type=click.IntRange(0),
        default=1,
        show_default=True,
        metavar="N",
        help="How often to try again what failed.",
    )(command)
