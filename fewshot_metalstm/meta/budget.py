"""Joint training alone (``--algorithm joint``, nnshot, structshot): how many steps it is given.

A comparison of ways to pre-train is fair at the same number of gradient evaluations, each on a
batch (of about sixteen sentences, say). Meta-training takes

- one for each step of joint training, on ``joint.batch`` items,
- ``inner.steps`` on the support and one on the query for each of the ``outer.meta_batch``
  episodes of each outer step; a support of 5 to 15 shots is about as large as a batch.

With the defaults that is 4000 + 2000 * 4 * (5 + 1) = 52,000, and joint training alone has so many
steps, along one cosine.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.registry import jointly

Config = TypeVar("Config", bound=TrainingConfig)


def gradient_evaluations(config: TrainingConfig) -> int:
    """Gradients of one batch that joint training and the first-order outer loop take together."""
    outer = config.outer
    return config.joint.steps + outer.steps * outer.meta_batch * (config.inner.steps + 1)


def joint_preset(config: TrainingConfig) -> tuple[str, ...]:
    """Overrides for joint training alone in place of a meta-training with these settings.

    They are defaults: ``joint.steps`` of the user goes before. For other algorithms there are none.
    """
    if not jointly(config.algorithm):
        return ()
    return (f"joint.steps={gradient_evaluations(config)}",)


def settled(config: Config) -> Config:
    """The settings that a run goes by: joint training alone has no outer steps."""
    if not jointly(config.algorithm):
        return config
    return replace(config, outer=replace(config.outer, steps=0))
