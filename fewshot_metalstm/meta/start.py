"""Starting the outer loop from a checkpoint of joint training (``meta-train --start``).

Joint training of one suite can so be shared by several meta-learners: what it made of the data
before any weight, its weights, and the mean of its heads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.registry import jointly


class Trained(Protocol):
    """A checkpoint that is loaded."""

    @property
    def about(self) -> Mapping[str, Any]:
        """Where it comes from."""


M = TypeVar("M", bound=Trained)


def read_start(
    start: str, load: Callable[[Path], M], *, same_tasks: Callable[[M], bool],
    same_settings: Callable[[M], bool], section: str,
) -> M:  # fmt: skip
    """The model of a checkpoint, or of the run that it stands in.

    Args:
        start: the setting of that name.
        load: reads a checkpoint of the kind.
        same_tasks: whether it was trained on the tasks of this run, with the same exclusions.
        same_settings: whether its learner has the settings of this run.
        section: of those settings, for the message.

    Raises:
        UserError: no checkpoint of joint training there, or one of other tasks or settings.
    """
    folder = Path(start)
    if (folder / "checkpoint" / "config.json").is_file():
        folder = folder / "checkpoint"
    model = load(folder)
    if not jointly(model.about.get("algorithm")):
        raise UserError(f"{folder} is not of joint training; give one of --algorithm joint")
    if not same_tasks(model):
        raise UserError(
            f"{folder} was trained on other tasks; give the --tasks and --exclude that it had"
        )
    if not same_settings(model):
        raise UserError(f"{folder} has other settings of the section {section}; give the same")
    return model
