"""Settings of models whose head is made of a support, as prototypes, without a gradient step.

What a head of prototypes is, a learner says
(:meth:`~fewshot_metalstm.meta.learner.Learner.from_support`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Protocol

from fewshot_metalstm import ranges
from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.tuning import AUTO
from fewshot_metalstm.ranges import NotNegative, one_of

PROTOTYPES = "prototypes"
AFTERWARDS = ("none", "basic", "head", "all")  # what may be tuned, starting from prototypes


@dataclass(frozen=True)
class PrototypesConfig(AdaptConfig):
    """Adaptation by a head of prototypes; what is about gradient steps is of tuning it then."""

    # what is tuned, starting from the prototypes
    tune: Annotated[str, one_of(*AFTERWARDS)] = "none"
    scale: NotNegative = 0.0  # of distances; 0 takes the learned one, or 10 where there is none


class WithPrototypes(Protocol):
    """Settings of adaptation with a section for prototypes."""

    @property
    def tune(self) -> str:
        """What ``--tune`` says."""

    @property
    def prototypes(self) -> PrototypesConfig:
        """Those of prototypes."""


def check_prototypes(config: PrototypesConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    ranges.check(config, "prototypes")


def after_prototypes(settings: WithPrototypes) -> str:
    """What is tuned from prototypes: what ``--tune`` says, if not them, or their own setting."""
    asked, own = settings.tune, settings.prototypes.tune
    if asked in (AUTO, PROTOTYPES):
        return PROTOTYPES if own == "none" else own
    return asked
