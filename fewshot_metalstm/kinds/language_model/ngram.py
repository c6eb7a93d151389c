"""An n-gram model of a support, by itself nothing to go by and mixed with a network a strong peer.

Interpolated Kneser-Ney over bytes: with c(h, x) how often x followed the context h, and h' the
context without its first byte::

    p(x | h) = max(c(h, x) - d, 0) / c(h) + d * n(h) / c(h) * p(x | h')

where n(h) is how many different bytes followed h. In shorter contexts than the longest, c counts
how many different bytes stood before (h, x) in place of how often it came; below the shortest all
256 bytes are alike. Source: Kneser, Ney, "Improved Backing-off for M-gram Language Modeling",
ICASSP 1995; Chen, Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling",
Computer Speech and Language 13(4), 1999, section 2.7.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fewshot_metalstm.kinds.language_model.encoding import BYTES
from fewshot_metalstm.kinds.language_model.model import StoredModel
from fewshot_metalstm.kinds.language_model.score import Cost, Score, score
from fewshot_metalstm.kinds.language_model.scoring import log_probabilities
from fewshot_metalstm.kinds.language_model.settings import NgramConfig
from fewshot_metalstm.kinds.language_model.tasks import Span, TextTask

WEIGHTS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)  # shares that are tried
_HELD_OUT = 5  # a fifth of the support chooses the share


class KneserNey:
    """An n-gram model of some texts.

    Args:
        texts: what is counted; no n-gram goes from one into another.
        order: bytes of the longest n-gram.
        discount: taken from every count, between 0 and 1.
    """

    def __init__(self, texts: Sequence[bytes], order: int, discount: float) -> None:
        self.order, self.discount = order, discount
        # By the length of the context: what followed it, and how often.
        self._counts: list[dict[bytes, Counter[int]]] = [defaultdict(Counter) for _ in range(order)]
        seen: list[set[bytes]] = [set() for _ in range(order)]
        for text in texts:
            for end in range(1, len(text) + 1):
                longest = min(order, end)
                self._counts[longest - 1][text[end - longest : end - 1]][text[end - 1]] += 1
                for size in range(longest, 1, -1):  # a byte before is one more for the shorter
                    gram = text[end - size : end]
                    if gram in seen[size - 1]:
                        break
                    seen[size - 1].add(gram)
                    self._counts[size - 2][gram[1:-1]][gram[-1]] += 1

    def probability(self, context: bytes, byte: int) -> float:
        """Of a byte behind ``context``, of which the last ``order - 1`` bytes count."""
        found = 1 / BYTES
        for size in range(min(self.order - 1, len(context)) + 1):
            known = self._counts[size].get(context[len(context) - size :])
            if known is None:
                break  # nothing longer was met either
            total, d = known.total(), self.discount
            found = max(known[byte] - d, 0) / total + d * len(known) / total * found
        return found

    def probabilities(self, text: bytes, first: int = 0) -> NDArray[np.float64]:
        """Of every byte of ``text`` from ``first`` on, given those before it."""
        reach = self.order - 1
        return np.array(
            [
                self.probability(text[max(0, place - reach) : place], text[place])
                for place in range(first, len(text))
            ]
        )


def mixed(
    config: NgramConfig, model: StoredModel, task: TextTask, support: Sequence[Span],
    query: Sequence[Span],
) -> Score:  # fmt: skip
    """Bits per character of the query under a mixture of the support's n-grams and a network."""
    weight = config.weight or best_weight(config, model, task, support)
    counted = KneserNey([task.text(span) for span in support], config.order, config.discount)
    costs = []
    for span in query:
        ours = _of_ngrams(counted, task, span)
        theirs = np.exp(_of_network(model, task, span))
        nats = -float(np.log(weight * ours + (1 - weight) * theirs).sum())
        costs.append(Cost(nats, len(ours), task.size([span])))
    return score(costs)


def alone(
    config: NgramConfig, task: TextTask, learned: Sequence[Span], wanted: Sequence[Span]
) -> Score:
    """Bits per character of some text under the n-grams of other text, and nothing else.

    Args:
        learned: from left to right; what stands side by side is counted in one piece.
    """
    joined = task.runs([place for start, stop in learned for place in range(start, stop)])
    counted = KneserNey([task.text(span) for span in joined], config.order, config.discount)
    found = [(_of_ngrams(counted, task, span), task.size([span])) for span in wanted]
    return score([Cost(-float(np.log(p).sum()), len(p), size) for p, size in found])


def best_weight(
    config: NgramConfig, model: StoredModel, task: TextTask, support: Sequence[Span]
) -> float:
    """The share of the n-grams that fits the last fifth of a support best, counted in the rest."""
    start, stop = support[-1]
    cut = stop - max(1, (stop - start) // _HELD_OUT)
    known = [*support[:-1], *([(start, cut)] if cut > start else [])]
    counted = KneserNey([task.text(span) for span in known], config.order, config.discount)
    ours = _of_ngrams(counted, task, (cut, stop))
    theirs = np.exp(_of_network(model, task, (cut, stop)))
    fit = {w: float(np.log(w * ours + (1 - w) * theirs).sum()) for w in WEIGHTS}
    return max(fit, key=fit.__getitem__)


def _of_ngrams(counted: KneserNey, task: TextTask, span: Span) -> NDArray[np.float64]:
    """The probability of every byte of a span, given those before it in its document."""
    begin = int(task.begins[task.number(span[0])])
    first, last = (int(task.cuts[place]) for place in span)
    low = max(begin, first - counted.order)
    return counted.probabilities(bytes(task.codes[low:last]), first - low)


def _of_network(model: StoredModel, task: TextTask, span: Span) -> NDArray[np.float64]:
    params = dict(model.learner.named_parameters())
    device = next(model.learner.parameters()).device
    return log_probabilities(model.learner, params, task, [span], device)
