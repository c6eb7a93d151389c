"""What the machine has and what a run took of it."""

from __future__ import annotations

import ctypes
import os
import resource
import sys

import torch

from fewshot_metalstm.errors import UserError


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def pick_device(name: str) -> torch.device:
    """``auto``, ``cpu`` or ``cuda``; :class:`UserError` for a GPU that is not there."""
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: torch finds no GPU; use --device cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def keep_freed_memory() -> None:
    """Let glibc's allocator keep freed blocks of up to 4 MiB, for work that repeats itself.

    Otherwise it hands large blocks back to the system and takes them anew, zeroed page by page,
    at every step: a tenth of the time of an inner loop. Elsewhere nothing happens.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mmap_threshold, trim_threshold = -3, -1  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD of malloc.h
    mallopt(mmap_threshold, 2**22)
    mallopt(trim_threshold, 2**25)


def peak_rss_mib(workers: int = 1) -> float:
    """Peak resident memory in MiB, an upper bound where there are ``workers`` processes.

    Of finished children the system keeps only the largest peak, so it counts once for each;
    memory that processes share counts in each of them.
    """
    unit = 2**20 if sys.platform == "darwin" else 2**10
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return (own + (workers * child if workers > 1 else 0)) / unit
