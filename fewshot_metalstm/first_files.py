"""The files of a first session in a folder: settings to edit, and an example of data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.config_template import template
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.writing import beside

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.kind import Kind


def first_files(kind: Kind) -> Mapping[str, str]:
    """Names and contents of the files, relative to a folder: settings, and the kind's example.

    A file of settings is named after the command that reads it.
    """
    examples = {f"example/{name}": text for name, text in kind.example_files().items()}
    target = next(iter(examples), None)
    files = {}
    for command, settings in kind.settings().items():
        given: dict[str, Any] = {}
        if command == "sweep" and target is not None:
            given = {"targets": (target,), "shots": (10, 50)}
        files[f"{command}.yaml"] = template(settings(**given), _heading(command, target))
    return files | examples


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


def _heading(command: str, target: str | None) -> list[str]:
    """The head of a command's settings: how they are read, and what may be said in them."""
    from fewshot_metalstm.meta.registry import names

    options = {"sweep": " --output runs/sweep"}
    if target is not None:
        options |= {"adapt": f" --target {target}", "train": f" --task {target}"}
    more = {"meta-train": [f"algorithm is one of {', '.join(names())}."]}
    typed = f"{command}{options.get(command, '')}"
    return [
        f"Settings of `fewshot-metalstm {typed} --config {command}.yaml`.",
        "Every setting stands here with its default and what it means. To change one, take the #",
        "before its name away and edit the value. Options on the command line come after this",
        "file; some defaults depend on the suite or the algorithm while they are commented out.",
        *more.get(command, ()),
    ]
