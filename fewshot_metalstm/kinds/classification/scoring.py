"""What a classifier takes texts for, and its score on a whole split."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from fewshot_metalstm.accuracy import Score, compare
from fewshot_metalstm.adapt.work import Loaded
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.classification.encoding import CPU, Batch, Encoded, TextTable, by_length
from fewshot_metalstm.kinds.classification.learner import Classifier
from fewshot_metalstm.kinds.classification.model import ClassifierModel
from fewshot_metalstm.kinds.classification.tasks import ClassificationTask
from fewshot_metalstm.meta.learner import Params


@torch.no_grad()
def scores_of(
    learner: Classifier, params: Params, table: TextTable, encoded: Encoded,
    device: torch.device = CPU,
) -> torch.Tensor:  # fmt: skip
    """Scores of the classes under ``params``, (texts, classes), in the order of the texts."""
    found = torch.zeros(len(encoded), encoded.classes)
    for places in by_length(encoded):
        batch = table.batch(encoded.take(places)).to(device)
        found[places] = learner.scores_with(params, batch).float().cpu()
    return found


def score(
    learner: Classifier, params: Params, table: TextTable, task: ClassificationTask, split: str,
    device: torch.device = CPU,
) -> Score:  # fmt: skip
    """How well a classifier with adapted parameters tells the classes of a whole split apart."""
    texts = task.splits[split]
    encoded = table.encode(texts.texts, texts.labels, len(task.classes))
    predicted = scores_of(learner, params, table, encoded, device).argmax(dim=1).numpy()
    return compare(texts.labels, predicted, task.classes)


def score_model(
    model: ClassifierModel, table: TextTable, task: ClassificationTask, split: str
) -> Score:
    """The score of a classifier that was adapted to classes among which are the task's.

    Raises :class:`UserError` where the task has others.
    """
    texts = task.splits[split]
    labels = places_of(model, task)[texts.labels]
    encoded = table.encode(texts.texts, labels, len(model.classes))
    params = {name: value.detach() for name, value in model.learner.named_parameters()}
    device = next(iter(params.values())).device
    found = scores_of(model.learner, params, table, encoded, device).argmax(dim=1).numpy()
    return compare(encoded.labels, found, model.classes)


def places_of(model: ClassifierModel, task: ClassificationTask) -> NDArray[np.int64]:
    """Which of the classifier's classes each of the task's is, by number.

    Raises :class:`UserError` where it is none of them.
    """
    unknown = [name for name in task.classes if name not in model.classes]
    if unknown:
        raise UserError(
            f"{task.name} has the class {unknown[0]}, which the classifier does not know (its "
            f"classes: {', '.join(model.classes)}); evaluate on texts with its classes"
        )
    return np.array([model.classes.index(name) for name in task.classes])


def practice(
    loaded: Loaded, task: ClassificationTask, support: Sequence[int]
) -> tuple[int, Callable[[Sequence[int]], Batch]]:
    """What an adapted classifier is trained on further: texts of a task's train split.

    Raises :class:`UserError` where the task has other classes.
    """
    model: ClassifierModel = loaded.model
    table: TextTable = loaded.table
    split = task.splits["train"]
    labels = places_of(model, task)[split.labels[list(support)]]
    encoded = table.encode([split.texts[i] for i in support], labels, len(model.classes))
    device = next(model.learner.parameters()).device

    def batch(chosen: Sequence[int]) -> Batch:
        return table.batch(encoded.take(chosen)).to(device)

    return len(encoded), batch
