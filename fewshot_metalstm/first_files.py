"""The files of a first session in a folder: settings to edit, and annotated text as an example."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fewshot_metalstm.config_template import template
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.writing import beside

EXAMPLE = """\
Mice\tB-Species
were\tO
infected\tO
with\tO
Escherichia\tB-Species
coli\tI-Species
.\tO

No\tO
growth\tO
was\tO
seen\tO
.\tO

Human\tB-Species
serum\tO
inhibited\tO
E\tB-Species
.\tI-Species
coli\tI-Species
.\tO
"""
"""Written for this project: a token a line, a tab, its tag; an empty line between sentences."""


def first_files() -> Mapping[str, str]:
    """Names and contents of the files, relative to a folder."""
    from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig, SweepConfig
    from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig
    from fewshot_metalstm.kinds.tagging.training.supervised import TaggerTrainConfig
    from fewshot_metalstm.meta.registry import names

    algorithms = f"algorithm is one of {', '.join(names())}."
    sweep: dict[str, Any] = {"targets": ("example/train.tsv",), "shots": (10, 50)}
    return {
        "meta-train.yaml": template(MetaTrainConfig(), _heading("meta-train", algorithms)),
        "train.yaml": template(TaggerTrainConfig(), _heading("train --task example/train.tsv")),
        "adapt.yaml": template(AdaptRunConfig(), _heading("adapt --target example/train.tsv")),
        "sweep.yaml": template(SweepConfig(**sweep), _heading("sweep --output runs/sweep")),
        "example/train.tsv": EXAMPLE,
    }


def write_new(files: Mapping[str, str], folder: Path) -> list[Path]:
    """Write ``files`` into ``folder``, which is made if it is not there; their paths.

    Raises:
        UserError: one of them is there already, or the folder cannot be written to. Nothing is
            written then.
    """
    paths = {folder / name: text for name, text in files.items()}
    for path in paths:
        if path.exists():
            raise UserError(f"{path}: is there already; remove it, or name another folder")
    done: list[Path] = []
    try:
        for path, text in paths.items():
            with beside(path, _put_new) as part:
                part.write_text(text, encoding="utf-8")
            done.append(path)
    except BaseException:
        for path in done:
            path.unlink(missing_ok=True)
        raise
    return done


def _put_new(part: Path, path: Path) -> None:
    """Put a file where there is none; one that came meanwhile is not written over either."""
    try:
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise
        part.replace(path)


def _heading(command: str, *more: str) -> list[str]:
    name = command.split()[0]
    return [
        f"Settings of `fewshot-metalstm {command} --config {name}.yaml`.",
        "Every setting stands here with its default and what it means. To change one, take the #",
        "before its name away and edit the value. Options on the command line come after this",
        "file; some defaults depend on the suite or the algorithm while they are commented out.",
        *more,
    ]
