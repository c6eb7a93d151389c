"""What an adaptation begins with: the target that the user names, and a checkpoint for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.kind import Kind, Task


def source_of(target: str | None, train: str | None, dev: str | None, test: str | None) -> str:
    """The target as :func:`~fewshot_metalstm.kinds.tagging.episodes.load.load_target` takes it.

    Raises :class:`UserError` unless there is either ``target`` or ``train``, which alone goes with
    ``dev`` and ``test``.
    """
    from fewshot_metalstm.errors import UserError, at

    if (target is None) == (train is None):
        raise UserError("give either --target NAME|PATH or --train FILE, one of the two")
    if target is not None:
        if dev is not None or test is not None:
            raise UserError("--dev and --test go with --train FILE; a --target has its own splits")
        return target
    files = {"train": train, "devel": dev, "test": test}
    for path in filter(None, files.values()):
        if "," in path:  # which parts the files in the one string that names a target
            raise at(path, None, "a comma cannot be read in a file's name", "rename the file")
    return ",".join(f"{split}={path}" for split, path in files.items() if path is not None)


def find_checkpoint(checkpoint: Path | None, task: Task, progress: Any) -> Path:
    """The checkpoint that the user named, or the newest compatible one, or one that ships.

    Which it was is said, unless the user named its folder.
    """
    from fewshot_metalstm import pretrained, runs
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds import registry

    if checkpoint is not None:
        folder = runs.model_folder(checkpoint, "checkpoint")
        if name := pretrained.name_of(folder):
            progress.note(f"using the checkpoint {name} that ships with the package, {folder}")
        return folder
    kind = registry.kind(task.kind)

    def compatible(folder: Path) -> bool:
        try:
            about = kind.read_config(folder, "checkpoint")["about"]
        except UserError:
            return False
        # A checkpoint of the synthetic suite is for synthetic targets alone.
        return bool(about.get("synthetic")) == task.synthetic and not kind.seen(about, task)

    folder = runs.newest_checkpoint(
        compatible, shipped=pretrained.fitting(task), first=how_to_get_one(kind, task)
    )
    if name := pretrained.name_of(folder):
        progress.note(f"using the checkpoint {name} that ships with the package, {folder}")
    else:
        progress.note(f"using the newest compatible checkpoint, {folder}")
    return folder


def how_to_get_one(kind: Kind, task: Task) -> str:
    """Options of ``meta-train`` that make a checkpoint for a task where there is none."""
    from fewshot_metalstm.data.suites import load_suites, load_targets
    from fewshot_metalstm.declarations import DEFAULT_KIND

    suites = load_suites(kind=kind.name)
    if kind.name == DEFAULT_KIND or not suites:
        return "--tasks bionlp"
    known = load_targets(kind=kind.name).official
    kept_out = "" if task.name in known else f" --exclude {task.name}"
    return f"--tasks {next(iter(suites))}{kept_out}"
