"""Images as tensors: scaled by what was counted once over the images."""

from __future__ import annotations

import numpy as np
import torch

from fewshot_metalstm.data.suites import load_suite
from fewshot_metalstm.kinds.digits.encoding import Scaling, encode
from fewshot_metalstm.kinds.digits.tasks import load_tasks
from tests.kinds.digits.builders import made_up, target


def test_scaling_is_mean_and_deviation_of_all_images_once() -> None:
    tasks = load_tasks(load_suite("digits", kind="digits"), made_up()).train
    found, pixels = Scaling.of(tasks), tasks[0].splits["train"].pixels
    assert np.isclose(found.mean, pixels.mean())
    assert np.isclose(found.deviation, pixels.std())
    rows = found.rows(pixels)
    assert abs(float(rows.mean())) < 1e-4
    assert abs(float(rows.std()) - 1) < 1e-3


def test_a_batch_has_rows_labels_and_all_classes() -> None:
    task = target("digits-678-90")
    batch = encode(task, "test", [0, 4, 2], Scaling(10.0, 2.0))
    expected = (task.images("test", [0, 4, 2]).astype(np.float32) - 10) / 2
    torch.testing.assert_close(batch.rows, torch.from_numpy(expected))
    assert batch.labels.tolist() == task.splits["test"].labels[[0, 4, 2]].tolist()
    assert (batch.classes, len(batch)) == (3, 3)
    assert len(batch.to(torch.device("cpu"))) == 3
