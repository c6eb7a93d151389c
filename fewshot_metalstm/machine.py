"""What the machine has and what a run took of it."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import resource
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from fewshot_metalstm.errors import UserError


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The kind of processor, in words, and how many cores there are."""
    name = platform.processor() or platform.machine()
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name}, {cores()} cores"


def memory() -> int | None:
    """Bytes of memory that this process can have: the machine's, or its container's if less.

    None where the system does not tell.
    """
    try:
        found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
    with suppress(OSError, ValueError):  # no such container, or no limit ("max")
        found = min(found, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return found if found > 0 else None


def pick_device(name: str) -> torch.device:
    """``auto``, ``cpu`` or ``cuda``; :class:`UserError` for a GPU that is not there."""
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: torch finds no GPU; use --device cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread of torch's inside, and as many as before behind it.

    So sums are taken in one order on every machine, and figures do not depend on its cores.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def keep_freed_memory() -> None:
    """Let glibc's allocator keep freed blocks of up to 128 MiB, for work that repeats itself.

    Otherwise it hands large blocks back to the system and takes them anew, zeroed page by page,
    at every step: a tenth of the time of an inner loop, and a quarter of the time of a language
    model's step, whose largest blocks have 60 MiB. At most half a GiB that nobody uses is kept.
    Elsewhere nothing happens.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mmap_threshold, trim_threshold = -3, -1  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD of malloc.h
    mallopt(mmap_threshold, 2**27)
    mallopt(trim_threshold, 2**29)


def peak_rss_mib(others: Iterable[int] = ()) -> float:
    """Peak resident memory in MiB of this process and of ``others`` by number, which still run.

    An upper bound where there are others: peaks need not come together, and memory that processes
    share counts in each of them. Where the system tells nothing of another process it counts as
    much as this one.
    """
    unit = 2**20 if sys.platform == "darwin" else 2**10
    # A child begins with its parent's peak in getrusage, and without it in /proc.
    own = _peak(os.getpid()) or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return own + sum(_peak(number) or own for number in others)


def _peak(process: int) -> float | None:
    """Peak resident memory of a process in MiB, where Linux tells it."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) / 2**10 if found else None
