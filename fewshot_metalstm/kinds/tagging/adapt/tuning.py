"""What of a tagger is tuned on a support."""

from __future__ import annotations

from fewshot_metalstm.adapt import tuning
from fewshot_metalstm.adapt.prototypes import PROTOTYPES
from fewshot_metalstm.adapt.tuning import AUTO as AUTO
from fewshot_metalstm.adapt.tuning import TUNE as TUNE
from fewshot_metalstm.kinds.tagging.adapt.from_support import NNSHOT, STRUCTSHOT
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.memory import without_memory

UNTUNED = (PROTOTYPES, NNSHOT, STRUCTSHOT)  # made of the support, without a gradient step


def tune_for(tune: str, algorithm: str) -> str:
    """``tune``, or what ``auto`` stands for with a checkpoint of this meta-learner.

    Raises :class:`UserError` for an unknown one.
    """
    return tuning.tune_for(tune, algorithm, UNTUNED)


def tuned_names(learner: Tagger, tune: str) -> tuple[str, ...]:
    """Names of the parameters that ``tune`` stands for; :class:`UserError` for an unknown one."""
    if tune in UNTUNED:
        return ()
    return without_memory(tuning.tuned_names(learner, tune))
