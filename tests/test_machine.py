"""What the machine has."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.machine import cores, memory, one_thread, peak_rss_mib, pick_device


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("cpu") == pick_device("auto") == torch.device("cpu")
    with pytest.raises(UserError, match="torch finds no GPU; use --device cpu"):
        pick_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("cuda") == pick_device("auto") == torch.device("cuda")


def test_cores_and_memory() -> None:
    assert cores() >= 1
    there = memory()
    assert there is None or there > 2**28
    before = peak_rss_mib()
    assert before > 10
    held = torch.ones(2**25)  # 128 MiB, touched
    assert peak_rss_mib() >= before
    assert peak_rss_mib() > 128
    assert len(held) == 2**25


def test_a_small_child_of_a_large_parent_counts_as_small() -> None:
    held = torch.ones(2**26)  # 256 MiB, touched
    ours = peak_rss_mib()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        both = peak_rss_mib([child.pid])
        child.communicate()
    assert ours > 256
    assert ours < both < ours + (64 if Path("/proc").is_dir() else 2 * ours)
    assert peak_rss_mib([2**30]) == pytest.approx(2 * peak_rss_mib()), "nobody is there"
    assert len(held) == 2**26


def test_one_thread_and_as_many_as_before_behind_it() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with suppress(KeyError), one_thread():
            within = torch.get_num_threads()
            raise KeyError
        assert (within, torch.get_num_threads()) == (1, 3)
    finally:
        torch.set_num_threads(before)
