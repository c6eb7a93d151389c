"""Where runs are written and found when the user names no folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from fewshot_metalstm import pretrained
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.lock import LOCK, Busy, holds_nothing, locked

RUNS = Path("runs")
_HALF_WRITTEN = re.compile(r"\..+\.[a-z0-9_]{8}\.part")  # see writing.py


def fresh(name: str, folder: Path = RUNS) -> Path:
    """A folder for a new run: ``runs/name``, or ``runs/name-2`` and so on if that is taken."""
    return next(path for path in _numbered(name, folder) if _is_free(path))


# What a run writes before its settings.
BAD = "bad-annotations.tsv"  # as cli.faults calls it, which loads nothing of this
FIRST = (BAD, "exclusions.txt", "targets.json")


@contextmanager
def run_folder(
    output: Path | None, name: str, what: str, *, resume: bool = False, folder: Path = RUNS
) -> Iterator[Path]:
    """The folder of a run, locked for this process within the block.

    ``output`` is what the user named; without it the folder is what :func:`fresh` gives, passing
    over those that another process has just begun to write to.

    What is refused in the block, before there is more than what a run writes first, leaves no
    folder behind.

    Raises:
        UserError: another process is at work in ``output``, or (unless ``resume``) it holds
            anything.
    """
    with ExitStack() as stack:
        if output is not None:
            stack.enter_context(locked(output, what))
            if not resume:
                claim(output, what)
            stack.enter_context(_left_as_found(output))
            yield output
            return
        for path in _numbered(name, folder):
            if not _is_free(path):
                continue
            try:
                stack.enter_context(locked(path, what))
            except Busy:
                continue
            if _is_free(path):  # still: its last holder may have ended between the two
                stack.enter_context(_left_as_found(path))
                yield path
                return
            stack.pop_all().close()


@contextmanager
def _left_as_found(folder: Path) -> Iterator[None]:
    """Take away what a run writes first, where it is refused before it wrote more.

    The list of bad annotations stays, as the user has been told where it is.
    """
    was_empty = holds_nothing(folder)
    try:
        yield
    except UserError:
        if was_empty and _ended_at_once(folder) and not (folder / BAD).exists():
            for name in FIRST:
                (folder / name).unlink(missing_ok=True)
        raise


def _is_free(folder: Path) -> bool:
    """Whether a new run can take a folder: it holds nothing, or what ended at once."""
    return holds_nothing(folder) or _ended_at_once(folder)


def _ended_at_once(folder: Path) -> bool:
    """Whether there is nothing but what a run writes first."""
    return begun(folder, *FIRST) and not (folder / "config.yaml").exists()


def _numbered(name: str, folder: Path) -> Iterator[Path]:
    yield folder / name
    number = 2
    while True:
        yield folder / f"{name}-{number}"
        number += 1


def latest(name: str, folder: Path = RUNS) -> Path:
    """The folder that :func:`fresh` gave last for ``name``, or ``runs/name`` if it gave none."""
    last, number = folder / name, 2
    while (folder / f"{name}-{number}").is_dir():
        last = folder / f"{name}-{number}"
        number += 1
    return last


def claim(output: Path, what: str) -> None:
    """Make sure that ``output``, named by the user, can take a new run.

    Raises :class:`UserError` if it holds anything; the file of a lock does not count, and neither
    does what a run writes first and that ended at once.
    """
    if output.is_file():
        raise UserError(f"{output}: is a file; name a folder for {what}")
    if not _is_free(output):
        raise UserError(f"{output}: holds a run already; name another folder, or remove it")


def begun(folder: Path, *further: str) -> bool:
    """Whether a run of training began in ``folder``.

    Then there are its settings or, where it was ended at once, what it writes first and no more.

    Args:
        further: names of files that it writes before its settings.
    """
    if (folder / "config.yaml").is_file():
        return True
    if not folder.is_dir():
        return False
    names = [path.name for path in folder.iterdir()]
    return bool(names) and all(n in {LOCK, *further} or _HALF_WRITTEN.fullmatch(n) for n in names)


def saved_nothing(folder: Path) -> bool:
    """Whether a run was begun in ``folder`` and ended (``kill -9``, say) before its first save."""
    return not (folder / "state" / "training.safetensors").exists() and begun(folder, *FIRST)


def model_folder(path: Path, inner: str) -> Path:
    """The model's folder for a path that is it, or that is the run which holds it as ``inner``.

    Where there is nothing at the path, the name of a checkpoint that ships with the package means
    that one.
    """
    if inner == "checkpoint" and not path.exists():
        return pretrained.folders().get(str(path), path)
    return path / inner if (path / inner / "config.json").is_file() else path


def read_model_config(folder: Path) -> dict[str, Any]:
    """The ``config.json`` of a model of any kind, checked by its kind.

    Raises:
        UserError: there is no model, or a damaged one.
    """
    return dict(registry.of_model(folder).read_config(folder))


def adapted_folder(path: Path) -> Path:
    """The folder of an adapted model of any kind: ``path``, or the one in the run at ``path``."""
    for name in registry.names():
        inner = path / registry.kind(name).product
        if (inner / "config.json").is_file():
            return inner
    return path


def newest_checkpoint(
    compatible: Callable[[Path], bool], folder: Path = RUNS, shipped: Sequence[Path] = (),
    first: str = "--tasks bionlp",
) -> Path:  # fmt: skip
    """The checkpoint below ``folder`` that was written last and is compatible.

    If there is none it is the first of ``shipped``, those that come with the package and fit.
    Raises :class:`UserError` if there is none of these either; it names ``first``, the options of
    ``meta-train`` that make one.
    """
    # The demo keeps its meta-training one folder deeper than meta-train does.
    places = ("*/checkpoint/config.json", "*/*/checkpoint/config.json")
    every = (file for place in places for file in folder.glob(place))
    found = sorted(every, key=lambda file: file.stat().st_mtime, reverse=True)
    for config in found:
        if compatible(config.parent):
            return config.parent
    if shipped:
        return shipped[0]
    seen = f" ({len(found)} there, none compatible)" if found else ""
    raise UserError(
        f"no checkpoint in {folder}{seen}, and none that fits ships with the package; run "
        f"`fewshot-metalstm meta-train {first}` first or name one with --checkpoint"
    )


def adapted_to_use(path: Path) -> Path:
    """:func:`adapted_folder` of what a user names to use it.

    Raises:
        UserError: nothing is there, and a checkpoint that ships is called so.
    """
    if not path.exists() and str(path) in pretrained.folders():
        raise UserError(
            f"{path}: is a checkpoint, which is adapted before it is used; "
            f"fewshot-metalstm adapt --train FILE --checkpoint {path} makes a model of it"
        )
    return adapted_folder(path)
