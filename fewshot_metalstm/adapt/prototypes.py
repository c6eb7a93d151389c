"""Settings of models whose head is made of a support, as prototypes, without a gradient step.

What a head of prototypes is, a learner says
(:meth:`~fewshot_metalstm.meta.learner.Learner.from_support`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fewshot_metalstm.adapt.finetune import AdaptConfig, check
from fewshot_metalstm.adapt.tuning import AUTO
from fewshot_metalstm.errors import UserError

PROTOTYPES = "prototypes"
AFTERWARDS = ("none", "basic", "head", "all")  # what may be tuned, starting from prototypes


@dataclass(frozen=True)
class PrototypesConfig(AdaptConfig):
    """Adaptation by a head of prototypes; what is about gradient steps is of tuning it then."""

    tune: str = "none"  # none, basic, head or all: what is tuned, starting from the prototypes
    scale: float = 0.0  # of distances; 0 takes the learned one, or 10 where there is none


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
    check(config)
    if config.tune not in AFTERWARDS:
        raise UserError(f"prototypes.tune {config.tune!r} is unknown; use {', '.join(AFTERWARDS)}")
    if config.scale < 0:
        raise UserError(f"prototypes.scale is {config.scale:g}; use more than 0, or 0 for its own")


def after_prototypes(settings: WithPrototypes) -> str:
    """What is tuned from prototypes: what ``--tune`` says, if not them, or their own setting."""
    asked, own = settings.tune, settings.prototypes.tune
    if asked in (AUTO, PROTOTYPES):
        return PROTOTYPES if own == "none" else own
    return asked
