"""Which sentences look as if they held mentions, before anything is annotated.

A checkpoint of joint training keeps the heads of its source types. What any of them takes for a
mention is seldom of the type that is wanted, but where none of them finds anything there is seldom
one of any type. A sentence that holds no mention teaches a tagger little, and of a rare type nine
in ten hold none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from fewshot_metalstm.kinds.tagging.tagger.decode import batches
from fewshot_metalstm.kinds.tagging.tagger.heads import SourceHead, remembered
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel
from fewshot_metalstm.nn.crf import negative_log_likelihood

MOST = 20.0  # nats of one head: one that fires everywhere shall not outweigh all others


def source_heads_of(model: TaggerModel) -> tuple[SourceHead, ...]:
    """The heads of a checkpoint's source types; none where it keeps none."""
    if model.heads:
        return model.heads
    return remembered(model.learner, model.about["memory"]) if model.learner.config.memory else ()


@torch.no_grad()
def promise(model: TaggerModel, sentences: Sequence[Sequence[str]]) -> npt.NDArray[np.float32]:
    """How little the source heads believe that each sentence holds no mention.

    Args:
        model: a checkpoint with source heads.
        sentences: as tokens.

    Returns:
        (sentences,), in nats: minus the logarithm of the probability of no mention, the mean over
        all source heads.
    """
    learner = model.learner
    heads = source_heads_of(model)
    params = {name: value.detach() for name, value in learner.named_parameters()}
    found = np.zeros(len(sentences), np.float32)
    for places, batch, _ in batches(learner, params, model.table(), sentences, ("any",)):
        hidden = learner.hidden(batch)  # the same for all heads
        none = torch.zeros(hidden.shape[:2], dtype=torch.int64, device=hidden.device)
        for head in heads:
            own = {name: value.to(hidden.device) for name, value in head.params.items()}
            weight = torch.cat([own["head_outside"], own["head_type"].flatten(0, 1)])
            bias = torch.cat([own["head_outside_bias"], own["head_type_bias"].flatten()])
            emissions = torch.nn.functional.linear(hidden, weight, bias)
            losses = negative_log_likelihood(
                emissions, own["head_transitions"], none, batch.lengths
            )  # fmt: skip
            found[places] += losses.clamp(max=MOST).cpu().numpy() / len(heads)
    return found
