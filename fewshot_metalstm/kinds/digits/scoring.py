"""What a reader takes images for, and its score on a whole split."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.encoding import CPU, Scaling, encode
from fewshot_metalstm.kinds.digits.learner import DigitReader
from fewshot_metalstm.kinds.digits.model import ReaderModel
from fewshot_metalstm.kinds.digits.score import Score, compare, parts
from fewshot_metalstm.kinds.digits.tasks import DigitsTask
from fewshot_metalstm.meta.learner import Params


@torch.no_grad()
def predict(
    reader: DigitReader, params: Params, task: DigitsTask, split: str, scaling: Scaling,
    device: torch.device = CPU,
) -> NDArray[np.int64]:  # fmt: skip
    """The class of every image of a split under ``params``, (n,), as places in its classes."""
    pieces = [
        reader.scores_with(params, encode(task, split, part, scaling, device)).argmax(dim=1)
        for part in parts(len(task.splits[split]))
    ]
    found: NDArray[np.int64] = torch.cat(pieces).cpu().numpy()
    return found


def score(
    reader: DigitReader, params: Params, task: DigitsTask, split: str, scaling: Scaling,
    device: torch.device = CPU,
) -> Score:  # fmt: skip
    """How well a reader with adapted parameters tells the classes of a whole split apart."""
    predicted = predict(reader, params, task, split, scaling, device)
    return compare(task.splits[split].labels, predicted, task.classes)


def score_model(model: ReaderModel, task: DigitsTask, split: str) -> Score:
    """The score of a reader that was adapted to the task's classes.

    Raises :class:`UserError` where the task has others.
    """
    check_classes(model, task)
    params = {name: value.detach() for name, value in model.learner.named_parameters()}
    device = next(iter(params.values())).device
    return score(model.learner, params, task, split, model.scaling, device)


def check_classes(model: ReaderModel, task: DigitsTask) -> None:
    """Refuse with a :class:`UserError` a task of other classes than the reader's."""
    if task.classes != model.classes:
        raise UserError(
            f"{task.name} has the classes {', '.join(task.classes)}, and the reader those of "
            f"{', '.join(model.classes)}; evaluate it on digits-{''.join(model.classes)}"
        )
