"""What text costs a language model, row by row; every row is read from a little before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.language_model.encoding import CPU, Batch, encode, rows_of
from fewshot_metalstm.kinds.language_model.learner import LanguageModel
from fewshot_metalstm.kinds.language_model.model import PRODUCT, StoredModel
from fewshot_metalstm.kinds.language_model.score import Cost, Score, score
from fewshot_metalstm.kinds.language_model.tasks import TEST, TRAIN, Span, TextTask

_AT_ONCE = 32  # rows


def batches(
    learner: LanguageModel, task: TextTask, spans: Sequence[Span], device: torch.device = CPU
) -> Iterator[Batch]:
    """Some spans as batches of rows, in order."""
    rows = rows_of(spans, learner.config.row)
    for first in range(0, len(rows), _AT_ONCE):
        yield encode(task, rows[first : first + _AT_ONCE], learner.config.context, device)


def cost_of(
    learner: LanguageModel, params: Mapping[str, Tensor], task: TextTask, spans: Sequence[Span],
    device: torch.device = CPU,
) -> Cost:  # fmt: skip
    """What some spans cost under ``params``."""
    costs = [learner.cost(params, batch) for batch in batches(learner, task, spans, device)]
    return sum(costs, start=Cost(0.0, 0, 0))


def log_probabilities(
    learner: LanguageModel, params: Mapping[str, Tensor], task: TextTask, spans: Sequence[Span],
    device: torch.device = CPU,
) -> NDArray[np.float64]:  # fmt: skip
    """Nats of every byte of some spans, in order, (bytes,)."""
    found = []
    for batch in batches(learner, task, spans, device):
        wanted = batch.targets[batch.weight > 0].unsqueeze(1)
        found.append(learner.log_probabilities(params, batch).gather(1, wanted).squeeze(1))
    whole: NDArray[np.float64] = torch.cat(found).double().cpu().numpy()
    return whole


def score_spans(
    learner: LanguageModel, params: Mapping[str, Tensor], task: TextTask, spans: Sequence[Span],
    device: torch.device = CPU,
) -> Score:  # fmt: skip
    """The score of some spans, by document where there are several."""
    costs = {
        f"{task.documents[task.number(span[0])].title}": cost_of(
            learner, params, task, [span], device
        )
        for span in spans
    }
    if len(costs) < len(spans):  # documents of one title are one group
        return score([cost_of(learner, params, task, spans, device)])
    return score(costs)


def score_model(model: StoredModel, task: TextTask, split: str) -> Score:
    """The score of an adapted model on a split of the target that it was adapted to, or of a text.

    Of a target of the catalogue the split ``test`` is what follows the support.
    """
    learner = model.learner
    spans = spans_of(model, task, split)
    device = next(learner.parameters()).device
    return score_spans(learner, dict(learner.named_parameters()), task, spans, device)


def spans_of(model: StoredModel, task: TextTask, split: str) -> tuple[Span, ...]:
    """What a split is for a model: of a target of the catalogue, ``test`` follows its support.

    Raises:
        UserError: a target that the model was not adapted to, or one with nothing left to score.
    """
    if not (task.follows and split == TEST):
        return task.spans(split)
    about = model.about
    if model.kind == PRODUCT and about.get("target") == task.name:
        if about.get("sha256") != task.digests[TRAIN]:
            raise UserError(
                f"{task.name} is not the text of this name that the model was adapted to; give "
                "that one, or --split train to score all of this one"
            )
        found = task.query([(int(a), int(b)) for a, b in about.get("support", ())])
        if not found:
            raise UserError(
                f"the model has learned from all of {task.name}, and nothing follows to be scored; "
                "use --split train, or another text"
            )
        return found
    if not task.data:  # a text of the user's own, which the model has seen nothing of
        return task.spans(TRAIN)
    raise UserError(
        f"the test split of {task.name} is what follows a support, and the model was adapted to "
        f"{about.get('target')}; use --split train, or a model that was adapted to it"
    )
