"""The settings of a reader of digits and of its episodes, by section."""

from __future__ import annotations

from dataclasses import dataclass, field

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.nn.metalstm import MetaLSTMConfig

LAST, MEAN = "last", "mean"


@dataclass(frozen=True)
class ReaderConfig:
    """Sizes and noise of a reader of digits."""

    lstm: MetaLSTMConfig = field(default_factory=lambda: MetaLSTMConfig(hidden=64, meta=24, z=32))
    pool: str = MEAN  # what stands for an image: the mean of the states, or the last ones
    input_dropout: float = 0.1  # dropout of pixels
    output_dropout: float = 0.2  # dropout of what stands for an image


@dataclass(frozen=True)
class EpisodesConfig:
    """How episodes are drawn from the meta-train tasks."""

    ways_low: int = 2  # least number of classes
    ways_high: int = 5  # greatest number of classes; of a task with fewer, all
    shots_low: int = 1  # least K: images of each class in a support
    shots_high: int = 10  # greatest K
    query: int = 10  # query images of each class


@dataclass(frozen=True)
class ValidationConfig:
    """Meta-validation: fixed episodes from held-out images."""

    episodes: int = 40  # how many; the tasks are visited in turn
    ways: int = 4  # classes of each
    shots: int = 5  # K of their supports
    query: int = 25  # query images of each class


def check_reader(config: ReaderConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    if config.pool not in (LAST, MEAN):
        raise UserError(f"reader.pool {config.pool!r} is unknown; use {LAST} or {MEAN}")
    for name in ("input_dropout", "output_dropout"):
        rate = getattr(config, name)
        if not 0 <= rate < 1:
            raise UserError(f"reader.{name} is {rate}; use 0 to below 1")


def check_episodes(config: EpisodesConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    for name, low, high, least in (
        ("ways", config.ways_low, config.ways_high, 2),
        ("shots", config.shots_low, config.shots_high, 1),
    ):
        if not least <= low <= high:
            raise UserError(
                f"episodes.{name}_low and _high are {low} and {high}; "
                f"use at least {least}, the lower first"
            )
    if config.query < 1:
        raise UserError(f"episodes.query is {config.query}; use at least 1")


def check_validation(config: ValidationConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    for name, least in (("episodes", 1), ("ways", 2), ("shots", 1), ("query", 1)):
        value = getattr(config, name)
        if value < least:
            raise UserError(f"validation.{name} is {value}; use at least {least}")
