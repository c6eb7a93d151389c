"""The grid of a sweep: every combination of target, shots, method and draw is a cell."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fewshot_metalstm.adapt.cell import SCRATCH
from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.target import AdaptRunConfig
from fewshot_metalstm.errors import UserError

META = "meta"
METHODS = (META, SCRATCH)
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


@dataclass(frozen=True)
class SweepConfig:
    """Settings of a sweep. What is not about the grid means what it means to ``adapt``."""

    targets: tuple[str, ...]
    shots: tuple[int, ...]  # K for each entity type; 0 takes the whole train split as support
    methods: tuple[str, ...] = METHODS  # meta: from the checkpoint; scratch: the same tagger, fresh
    draws: tuple[int, ...] = (0, 1, 2, 3, 4)
    seed: int = 0  # of draws that are not frozen, of order and noise
    tune: str = "basic"  # basic (basic LSTM and head), head or all
    adapt: AdaptConfig = field(default_factory=lambda: AdaptRunConfig().adapt)
    scratch: AdaptConfig = field(default_factory=lambda: AdaptRunConfig().scratch)


@dataclass(frozen=True, order=True)
class Key:
    """Which cell of the grid."""

    target: str
    shots: int
    method: str
    draw: int

    @property
    def name(self) -> str:
        """A name for the cell's file."""
        return f"{self.target}-{self.shots}-{self.method}-{self.draw}".replace("/", "_")

    def __str__(self) -> str:
        return f"{self.target}, {self.shots or 'all'} shots, {self.method}, draw {self.draw}"


def grid(config: SweepConfig, targets: tuple[str, ...]) -> tuple[Key, ...]:
    """The cells of a sweep over targets of these names, the draws of a method side by side.

    Raises:
        UserError: an unknown method.
    """
    for method in config.methods:
        if method not in METHODS:
            raise UserError(f"method {method!r} is unknown; use {', '.join(METHODS)}")
    return tuple(
        Key(target, shots, method, draw)
        for target in targets
        for shots in config.shots
        for method in config.methods
        for draw in config.draws
    )


def numbers(text: str, option: str) -> tuple[int, ...]:
    """Numbers and ranges with both ends, such as ``0-4,7``, in the order given, each once.

    Raises:
        UserError: anything else, naming ``option``.
    """
    found: dict[int, None] = {}
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise UserError(f"{option} {text}: {part!r} is no number; write for example 0-4,7")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first >= 10_000:
            raise UserError(f"{option} {text}: {part!r} is no range; write for example 0-4")
        found |= dict.fromkeys(range(first, last + 1))
    return tuple(found)


def names(text: str, option: str) -> tuple[str, ...]:
    """Names between commas, in the order given, each once; :class:`UserError` for none."""
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise UserError(f"{option} {text!r}: names nothing; give one or more, with commas between")
    return found
