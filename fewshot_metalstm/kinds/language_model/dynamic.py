"""Dynamic evaluation: a model that learns from every piece of text once it was scored on it.

After a piece with the gradient g each weight moves by::

    w <- w - lr * g / (r + epsilon) + decay * min(r / mean(r), 1) * (w_0 - w)

where w_0 is the checkpoint's weight and r the root mean square of its gradients. Source: Krause,
Kahembwe, Murray, Renals, "Dynamic Evaluation of Neural Sequence Models", ICML 2018, equations 5 to
7 (RMS with decay to a prior). They take r over the training data; here it is taken over the
support, which is what is at hand of the document, under the checkpoint's weights. The support is
gone through like the query before it, unscored, once as they do or several times.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fewshot_metalstm.kinds.language_model.encoding import Batch, encode, rows_of
from fewshot_metalstm.kinds.language_model.learner import LanguageModel
from fewshot_metalstm.kinds.language_model.model import StoredModel
from fewshot_metalstm.kinds.language_model.score import Cost, Score, score
from fewshot_metalstm.kinds.language_model.settings import DynamicConfig
from fewshot_metalstm.kinds.language_model.tasks import Span, TextTask


def dynamic(
    config: DynamicConfig, model: StoredModel, task: TextTask, support: Sequence[Span],
    query: Sequence[Span],
) -> Score:  # fmt: skip
    """Bits per character of the query; what was scored is learned from before what comes next."""
    learner = model.learner
    device = next(learner.parameters()).device

    def pieces(spans: Sequence[Span]) -> list[Batch]:
        rows = rows_of(spans, config.piece)
        return [encode(task, [row], learner.config.context, device) for row in rows]

    start = {name: value.detach() for name, value in learner.initial(None).items()}
    known, asked = pieces(support), pieces(query)
    scale = root_mean_square(learner, start, known)
    # Of all weights together, as the source has it: weights that matter return faster.
    middle = torch.cat([r.flatten() for r in scale.values()]).mean()
    back = {n: config.decay * (r / middle).clamp(max=1) for n, r in scale.items()}
    now = dict(start)
    costs = []
    first = known * config.passes
    for number, batch in enumerate([*first, *asked]):
        if number >= len(first):
            costs.append(learner.cost(now, batch))
        slopes = gradient(learner, now, batch)
        now = {
            n: w - config.lr * slopes[n] / (scale[n] + config.epsilon) + back[n] * (start[n] - w)
            for n, w in now.items()
        }
    return score([sum(costs, start=Cost(0.0, 0, 0))])


def gradient(learner: LanguageModel, params: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
    """The gradient of a batch's mean loss."""
    wanted = {n: w.detach().requires_grad_() for n, w in params.items()}
    found = torch.autograd.grad(
        learner.loss(wanted, batch), list(wanted.values()), materialize_grads=True
    )
    return dict(zip(wanted, found, strict=True))


def root_mean_square(
    learner: LanguageModel, params: dict[str, Tensor], batches: Sequence[Batch]
) -> dict[str, Tensor]:
    """The root mean square of the gradients of some batches, coordinate by coordinate."""
    total = {n: torch.zeros_like(w) for n, w in params.items()}
    for batch in batches:
        for n, slope in gradient(learner, params, batch).items():
            total[n] += slope.square()
    return {n: (value / max(len(batches), 1)).sqrt() for n, value in total.items()}
