"""A closer look at an adapted reader: which classes it takes for which."""

from __future__ import annotations

from pathlib import Path

import torch

from fewshot_metalstm.kinds.digits.model import READER, load_model
from fewshot_metalstm.kinds.digits.scoring import score_model
from fewshot_metalstm.kinds.digits.tasks import DigitsTask
from fewshot_metalstm.pages.confusion import confusion_look
from fewshot_metalstm.pages.look import Look


def report_look(folder: Path, task: DigitsTask, split: str, device: torch.device) -> Look:
    """The confusion of the reader in ``folder`` on a split, as a picture and in words.

    Raises:
        UserError: there is no such reader, or it was adapted to other classes.
    """
    model = load_model(folder, READER)
    model.learner.to(device)
    found = score_model(model, task, split)
    return confusion_look(folder, READER, "images", f"the {split} split of {task.name}", found)
