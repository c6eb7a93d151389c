"""A closer look at an adapted classifier: which classes it takes for which."""

from __future__ import annotations

from pathlib import Path

import torch

from fewshot_metalstm.kinds.classification.model import CLASSIFIER, load_model
from fewshot_metalstm.kinds.classification.scoring import score_model
from fewshot_metalstm.kinds.classification.tasks import ClassificationTask
from fewshot_metalstm.pages.confusion import confusion_look
from fewshot_metalstm.pages.look import Look


def report_look(folder: Path, task: ClassificationTask, split: str, device: torch.device) -> Look:
    """The confusion of the classifier in ``folder`` on a split, as a picture and in words.

    Raises:
        UserError: there is no such classifier, or the task has a class that it does not know.
    """
    model = load_model(folder, CLASSIFIER)
    model.learner.to(device)
    found = score_model(model, model.table(), task, split)
    return confusion_look(folder, CLASSIFIER, "texts", f"the {split} split of {task.name}", found)
