"""The checkpoints that ship with the package: which there are, and which fits a target.

Each is a folder beside this file, made by ``fewshot-metalstm pack`` from what ``meta-train`` wrote:
``model.safetensors``, ``config.json``, ``MODEL_CARD.md`` and what else its kind keeps. An
installation may hold none of them; then everything works that does not ask for one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.kind import Task

# In the order in which they are tried: the one that has learned from more corpora comes first.
SHIPPED = ("mtl-bio", "bionlp", "reviews", "load")
CARD = "MODEL_CARD.md"
CHECKPOINT = "checkpoint"


def place() -> Path:
    """The folder that holds them."""
    return Path(__file__).resolve().parent


def folders() -> dict[str, Path]:
    """The folders of the checkpoints that are here, by name."""
    every = {name: place() / name for name in SHIPPED}
    return {name: path for name, path in every.items() if (path / "config.json").is_file()}


def name_of(folder: Path) -> str | None:
    """The name of the checkpoint in ``folder`` if it is one that ships."""
    return next((name for name, path in folders().items() if path == folder), None)


def fitting(target: Task) -> tuple[Path, ...]:
    """The shipped checkpoints that may be adapted to ``target``, the best first.

    None of them has learned from the target's family. For a corpus that suites or the official
    targets name each must also have been cleared of its test sentences; of a user's own text, and
    of a corpus that is far from all of them, nothing like that is known.
    """
    from fewshot_metalstm.data.suites import load_suites, load_targets
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds import registry

    if target.synthetic:
        return ()
    kind = registry.kind(target.kind)
    suites = load_suites(kind=kind.name).values()
    in_suites = {spec.corpus for suite in suites for spec in (*suite.tasks, *suite.validation)}
    known = target.data in {*load_targets(kind=kind.name).official, *in_suites}
    found = []
    for folder in folders().values():
        try:
            about = kind.read_config(folder, CHECKPOINT)["about"]
        except UserError:  # of another kind
            continue
        cleared = bool({target.name, target.data} & set(about.get("targets_excluded", ())))
        if not kind.seen(about, target) and (cleared or not known):
            found.append(folder)
    return tuple(found)
