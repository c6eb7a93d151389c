"""What the machine has."""

from __future__ import annotations

import pytest
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.machine import cores, peak_rss_mib, pick_device


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("cpu") == pick_device("auto") == torch.device("cpu")
    with pytest.raises(UserError, match="torch finds no GPU; use --device cpu"):
        pick_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("cuda") == pick_device("auto") == torch.device("cuda")


def test_cores_and_memory() -> None:
    assert cores() >= 1
    before = peak_rss_mib()
    assert before > 10
    held = torch.ones(2**25)  # 128 MiB, touched
    assert peak_rss_mib() >= before
    assert peak_rss_mib() > 128
    assert peak_rss_mib(2) >= peak_rss_mib()
    assert len(held) == 2**25
