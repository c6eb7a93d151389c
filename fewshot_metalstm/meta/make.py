"""The meta-learner that settings name, with every check of them that is no kind's business."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fewshot_metalstm import ranges
from fewshot_metalstm.config import as_mapping, from_mapping
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.algorithm import Algorithm
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.entry import AlgorithmEntry
from fewshot_metalstm.meta.registry import find

# What of a config says which meta-learner it was, and what that gave the learner.
RECORDED = ("algorithm", "order", "inner", "gates")


def make_algorithm(config: TrainingConfig) -> Algorithm:
    """The meta-learner that a config names; :class:`UserError` if there is none, or it cannot be.

    What a kind's own settings forbid is for the kind to check.
    """
    check(config)
    return find(config.algorithm).make(config)


def check(config: TrainingConfig) -> None:
    """Raise :class:`UserError` for settings that mean nothing, or do not go together."""
    ranges.check(config)
    entry = find(config.algorithm)
    _check_order(config, entry)
    _check_inner(config, entry)
    if entry.outer and config.outer.steps == 0:
        raise UserError(
            f"outer.steps is 0, and {entry.name} needs at least 1; for joint training alone use "
            "--algorithm joint"
        )
    if not entry.outer and config.joint.steps == 0:
        raise UserError(
            f"joint.steps is 0, and --algorithm {entry.name} does nothing else; use more"
        )
    if config.start and not entry.outer:
        raise UserError(f"--start is for an outer loop, which {entry.name} has not")
    _check_truncate(config, entry)


def _check_order(config: TrainingConfig, entry: AlgorithmEntry) -> None:
    if config.order == 2 and 2 not in entry.orders and entry.inner != "none":
        raise UserError(f"{entry.name} {entry.refusal}; use --algorithm maml with --order 2")
    if config.order == 1 and entry.orders == (2,):
        raise UserError(f"{entry.name} is of second order; leave out --order 1")


def _check_inner(config: TrainingConfig, entry: AlgorithmEntry) -> None:
    """Refuse settings that the algorithm's inner loop, or the lack of one, has no use for."""
    name, inner = entry.name, config.inner
    own_engine = config.engine != TrainingConfig.engine
    if entry.inner == "own" and own_engine:
        raise UserError(
            f"{name} has an inner loop of its own; leave out --engine, or use --algorithm maml"
        )
    if entry.inner == "none" and (own_engine or (config.order == 2 and 2 not in entry.orders)):
        raise UserError(
            f"{name} has no inner loop: leave out --order 2 and --engine, or use --algorithm maml"
        )
    if entry.engines and config.engine not in entry.engines:
        raise UserError(
            f"{name} does not go with the engine {config.engine}; use "
            f"{' or '.join(f'--engine {engine}' for engine in entry.engines)}"
        )
    if entry.inner == "none" or not entry.needs_steps:
        return
    if inner.steps < 1:
        raise UserError(f"inner.steps is {inner.steps}; {name} needs at least 1")
    if inner.lr <= 0:
        raise UserError(f"inner.lr is {inner.lr:g}; {name} needs a rate above 0 to start from")


def _check_truncate(config: TrainingConfig, entry: AlgorithmEntry) -> None:
    if config.truncate is None:
        return
    if 2 not in entry.orders or config.order == 1:
        raise UserError("--truncate is for second order; use --algorithm maml with --order 2")
    if not 0 <= config.truncate <= config.inner.steps:
        raise UserError(
            f"truncate is {config.truncate}; use 0 to {config.inner.steps}, the inner steps"
        )


def recorded(config: TrainingConfig) -> dict[str, Any]:
    """What a checkpoint notes of its meta-learner, under ``recipe``."""
    whole = as_mapping(config)
    return {name: whole[name] for name in RECORDED}


def recorded_algorithm(about: Mapping[str, Any]) -> Algorithm:
    """The meta-learner that made a checkpoint, from its ``about``; ValueError if it is not there.

    For what it does to a learner: its engine may be another one.

    Raises:
        UserError: it is of a package that is not installed.
    """
    recipe = about.get("recipe")
    if not isinstance(recipe, Mapping):
        raise ValueError("the checkpoint does not say which meta-learner made it")
    return make_algorithm(from_mapping(TrainingConfig, recipe, "recipe"))
