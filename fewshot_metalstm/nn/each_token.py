"""The likelihood of tags where each token stands for itself: what a tagger without a CRF learns.

Tags may then contradict each other; decoding still takes the best sequence that is legal.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fewshot_metalstm.nn.crf_labels import labels_of, own_emissions


def negative_log_likelihood(
    emissions: Tensor, tags: Tensor, lengths: Tensor, *, one_a_token: bool = False
) -> Tensor:
    """-log p(tags | emissions) of each sentence, the sum over its tokens, in nats, (B,).

    Args:
        emissions: (B, T, 1 + 4 * types).
        tags: (B, T) int64; padding may hold any.
        lengths: (B,) int64 in [1, T].
        one_a_token: every token has a label, so that the tags ``S`` alone compete.
    """
    inside = torch.arange(tags.shape[1], device=tags.device) < lengths.unsqueeze(1)
    if one_a_token:
        emissions, tags = own_emissions(emissions), labels_of(tags)
    chosen = torch.where(inside, tags, 0).unsqueeze(2)
    each = torch.log_softmax(emissions, dim=2).gather(2, chosen).squeeze(2)
    return -torch.where(inside, each, 0).sum(1)
