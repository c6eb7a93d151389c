"""What of a learner is tuned on a support, by the names that ``--tune`` has for it."""

from __future__ import annotations

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.algorithm import without_own
from fewshot_metalstm.meta.learner import Learner
from fewshot_metalstm.meta.registry import usual_tune

TUNE = ("basic", "head", "all")
AUTO = "auto"  # what the checkpoint's meta-learner has learned rates or gates for, or all


def tune_for(tune: str, algorithm: str, further: tuple[str, ...] = ()) -> str:
    """``tune``, or what ``auto`` stands for with a checkpoint of this meta-learner.

    Args:
        further: names that a kind has besides, for models that are made without a gradient step.

    Raises:
        UserError: an unknown one.
    """
    known = (AUTO, *TUNE, *further)
    if tune not in known:
        raise UserError(f"tune {tune!r} is unknown; use {', '.join(known)}")
    if tune != AUTO:
        return tune
    usual = usual_tune(algorithm)
    return usual if usual in TUNE else "all"


def tuned_names(learner: Learner, tune: str) -> tuple[str, ...]:
    """Names of the parameters that ``tune`` stands for: of :data:`TUNE`."""
    if tune == "basic":
        return learner.adapted()
    if tune == "head":
        return learner.head()
    if tune == "all":
        return without_own(name for name, _ in learner.named_parameters())
    raise UserError(f"tune {tune!r} is unknown; use {', '.join(TUNE)}")
