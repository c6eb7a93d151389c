"""How sure a tagger has to be of a mention.

A tagger that was adapted to a few sentences finds too little rather than too much where most
mentions are words that it has not seen: it takes ``O`` unless it is surer of a mention. F1 counts
what is missed as much as what is wrong, so the best decision takes a mention that is less likely
than not: at half of the best F1 (Lipton, Elkan, Naryanaswamy, "Optimal Thresholding of Classifiers
to Maximize F1 Measure", ECML PKDD 2014, theorem 2). How far that is from what a tagger says is no
matter of theory, as few-shot taggers are surer than they should be: policies hold what was found
to be good (``adapt.mentions``).
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from fewshot_metalstm.meta.learner import Params

_OUTSIDE = "head_outside_bias"


def favouring_mentions(params: Mapping[str, Tensor], nats: float) -> Params:
    """A tagger's parameters with ``nats`` taken from the score of ``O`` at every token."""
    return {**params, _OUTSIDE: params[_OUTSIDE].detach() - nats}
