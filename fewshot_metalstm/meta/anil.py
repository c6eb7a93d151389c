"""ANIL, almost no inner loop: MAML whose inner loop tunes the head alone.

The body is learned by the outer loop only, through the query's gradient (and, in second order,
through the inner gradients of the head, which depend on it). Inner loop, orders and engines are
those of MAML; what differs is which parameters they change.

Source: Raghu, Raghu, Bengio, Vinyals, "Rapid Learning or Feature Reuse? Towards Understanding the
Effectiveness of MAML", ICLR 2020, section 4.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.engines import maml
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.unrolled import Unrolled

Loop = TypeVar("Loop", FirstOrderMAML, Unrolled)


def anil(algorithm: Loop) -> Loop:
    """``algorithm`` with an inner loop on :meth:`Learner.head` only."""
    return replace(algorithm, head_only=True)


def from_config(config: TrainingConfig) -> Unrolled:
    """ANIL by the engine that the settings name."""
    return anil(maml(config))
