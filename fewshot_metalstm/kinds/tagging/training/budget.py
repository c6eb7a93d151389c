"""Joint training alone (``--algorithm joint``, nnshot, structshot): how many steps it is given.

A comparison of ways to pre-train is fair at the same number of gradient evaluations, each on a
batch of about sixteen sentences. Meta-training takes

- one for each step of joint training, on ``joint.batch`` sentences,
- ``inner.steps`` on the support and one on the query for each of the ``outer.meta_batch``
  episodes of each outer step; a support of 5 to 15 shots is about as large as a batch.

With the defaults that is 4000 + 2000 * 4 * (5 + 1) = 52,000, and joint training alone has so many
steps, along one cosine.
"""

from __future__ import annotations

from dataclasses import replace

from fewshot_metalstm.kinds.tagging.training.recipe import JOINTLY, PROTONET, MetaTrainConfig


def gradient_evaluations(config: MetaTrainConfig) -> int:
    """Gradients of one batch that joint training and the first-order outer loop take together."""
    outer = config.outer
    return config.joint.steps + outer.steps * outer.meta_batch * (config.inner.steps + 1)


def joint_preset(config: MetaTrainConfig) -> tuple[str, ...]:
    """Overrides for joint training alone in place of a meta-training with these settings.

    They are defaults: ``joint.steps`` of the user goes before. For other algorithms there are none.
    """
    if config.algorithm not in JOINTLY:
        return ()
    return (f"joint.steps={gradient_evaluations(config)}",)


def settled(config: MetaTrainConfig) -> MetaTrainConfig:
    """The settings that a run goes by.

    Joint training alone has no outer steps, and keeps its heads beside the tagger. Prototypes make
    a head of their own, so that neither has a memory.
    """
    if config.algorithm == PROTONET:
        return replace(config, memory=False)
    if config.algorithm not in JOINTLY:
        return config
    return replace(config, memory=False, outer=replace(config.outer, steps=0))
