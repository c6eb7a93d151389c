"""Which row of a checkpoint's head a class starts from: the one that fits its support best.

Where all tasks that a checkpoint has learned from share their classes (``negative`` and
``positive``, say), its head has a row for each. A new task's classes may be called otherwise, stand
in another order, or mean something else. So names are not looked at: rows are assigned to classes
such that the mean log-probability of the support's classes is greatest (an assignment problem;
Kuhn 1955), and where even that is worse than knowing nothing, every class starts from the mean row.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from fewshot_metalstm.kinds.classification.encoding import Batch
from fewshot_metalstm.meta.learner import Params

PIECE = 64  # texts that are read at once


class Scorer(Protocol):
    """What gives the scores of a head's rows, as a classifier does."""

    def scores_with(self, params: Params, batch: Batch) -> Tensor:
        """The score of each row for each text, (B, rows)."""


def recalled_rows(learner: Scorer, params: Params, batch: Batch) -> Params:
    """The head that a task starts from, differentiable by the rows of ``params``.

    A batch that lacks a class tells nothing: the rows then stand in their own order, or for
    another number of classes it is the mean row for each.
    """
    weight, bias = params["head_weight"], params["head_bias"]
    rows, classes = len(weight), batch.classes
    complete = int(torch.bincount(batch.labels, minlength=classes).count_nonzero()) == classes
    if classes == rows and not complete:
        return {"head_weight": weight, "head_bias": bias}
    chosen = assigned(learner, params, batch) if complete and classes <= rows else None
    if chosen is None:
        return {
            "head_weight": weight.mean(0, keepdim=True).expand(classes, -1),
            "head_bias": bias.mean(0, keepdim=True).expand(classes),
        }
    return {"head_weight": weight[chosen], "head_bias": bias[chosen]}


@torch.no_grad()
def assigned(learner: Scorer, params: Params, batch: Batch) -> Tensor | None:
    """The row of each class, (classes,); None where the best ones are worse than none."""
    fixed = {name: value.detach() for name, value in params.items()}
    scores = torch.cat([learner.scores_with(fixed, part) for part in batch.pieces(PIECE)])
    each = torch.nn.functional.one_hot(batch.labels, batch.classes).to(scores)  # (B, classes)
    fit = (each.T @ scores.log_softmax(1)) / each.sum(0).unsqueeze(1)  # (classes, rows)
    rows = torch.as_tensor(linear_sum_assignment(-fit.double().cpu().numpy())[1])
    rows = rows.to(scores.device)
    loss = torch.nn.functional.cross_entropy(scores[:, rows], batch.labels)
    return rows if float(loss) < math.log(batch.classes) else None
