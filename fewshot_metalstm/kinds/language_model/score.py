"""How good a language model is: bits per character, less of which is better.

A character costs the bits of all its bytes: -log2 of the product of their probabilities, each given
what stands before it. Beside it stands how many bits a byte takes, which is the same for text of
ASCII alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fewshot_metalstm.figure import Figure

FURTHER = ("bits_per_byte",)
FIGURE = Figure(
    "bpc", "bpc", "bits per character", "bits", better="lower", further=FURTHER,
    counted="characters", group="document", digits=3,
)  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What some text costs: nats in all, and how many bytes and characters they are for."""

    nats: float
    bytes: int
    characters: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.nats + other.nats, self.bytes + other.bytes, self.characters + other.characters
        )

    @property
    def bits_per_character(self) -> float:
        """The figure; NaN of nothing."""
        return self.nats / math.log(2) / self.characters if self.characters else float("nan")


@dataclass(frozen=True)
class Score:
    """Bits per character of ``size`` characters; ``groups`` by document, if there are several."""

    value: float
    size: int
    further: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, Score] = field(default_factory=dict)


def score(costs: Mapping[str, Cost] | Sequence[Cost]) -> Score:
    """The score of some documents, by title, or of the parts of one."""
    parts = list(costs.values() if isinstance(costs, Mapping) else costs)
    total = sum(parts[1:], start=parts[0])
    groups = {}
    if isinstance(costs, Mapping) and len(costs) > 1:
        groups = {title: score([cost]) for title, cost in costs.items()}
    further = {FURTHER[0]: total.nats / math.log(2) / total.bytes}
    return Score(total.bits_per_character, total.characters, further, groups)
