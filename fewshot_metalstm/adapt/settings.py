"""Settings of adaptation that every kind has; a kind adds sections of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fewshot_metalstm.adapt.cell import SCRATCH
from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.ranges import AtLeast0, Range, Seed

MOST_DRAWS = 10_000  # of one run
META = "meta"  # the method of a sweep that adapts its checkpoint


@dataclass(frozen=True)
class AdaptSettings:
    """How a model is adapted, in a single run and in a sweep alike."""

    seed: Seed = 0  # of draws that are not frozen, of order and noise
    # all, basic (the task's own small LSTM and the head), head, or auto: by the checkpoint
    tune: str = "auto"
    adapt: AdaptConfig = field(default_factory=AdaptConfig)
    scratch: AdaptConfig = field(default_factory=lambda: AdaptConfig(optimiser="adam", lr=5e-3))


@dataclass(frozen=True)
class AdaptRunSettings(AdaptSettings):
    """Settings of an adaptation run."""

    shots: AtLeast0 = 50  # K for each type; 0 takes the whole train split as support
    draws: Annotated[int, Range(least=1, most=MOST_DRAWS)] = 5  # supports, drawn 0 to draws-1
    baselines: tuple[str, ...] = ()  # other ways to get a model, beside it
    score: bool = True  # score every model on the whole test split


@dataclass(frozen=True)
class SweepSettings(AdaptSettings):
    """Settings of a sweep. What is not about the grid means what it means to ``adapt``."""

    targets: tuple[str, ...] = ()  # names of targets, or files of your own
    # K for each type; 0 takes the whole train split
    shots: Annotated[tuple[int, ...], Range(least=0)] = (10, 50)
    # a baseline, meta, or NAME=CHECKPOINT with :tune=T or another setting behind it
    methods: tuple[str, ...] = (META, SCRATCH)
    # numbers of the supports to draw
    draws: Annotated[tuple[int, ...], Range(least=0)] = (0, 1, 2, 3, 4)
