"""What of a tagger is tuned on a support."""

from __future__ import annotations

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.from_support import NNSHOT, PROTOTYPES, STRUCTSHOT
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.memory import without_memory
from fewshot_metalstm.meta.algorithm import without_own

TUNE = ("basic", "head", "all")
AUTO = "auto"  # all, but for the checkpoints of these: what they have learned rates or gates for
_TUNED_BY = dict.fromkeys(("lstm", "maml++", "meta-sgd"), "basic")
UNTUNED = (PROTOTYPES, NNSHOT, STRUCTSHOT)  # made of the support, without a gradient step


def tune_for(tune: str, algorithm: str) -> str:
    """``tune``, or what ``auto`` stands for with a checkpoint of this meta-learner.

    Raises :class:`UserError` for an unknown one.
    """
    known = (AUTO, *TUNE, *UNTUNED)
    if tune not in known:
        raise UserError(f"tune {tune!r} is unknown; use {', '.join(known)}")
    return _TUNED_BY.get(algorithm, "all") if tune == AUTO else tune


def tuned_names(learner: Tagger, tune: str) -> tuple[str, ...]:
    """Names of the parameters that ``tune`` stands for; :class:`UserError` for an unknown one."""
    if tune == "basic":
        return learner.adapted()
    if tune == "head":
        return learner.head()
    if tune in UNTUNED:
        return ()
    if tune == "all":
        return without_memory(without_own(name for name, _ in learner.named_parameters()))
    raise UserError(f"tune {tune!r} is unknown; use {', '.join(TUNE)}")
