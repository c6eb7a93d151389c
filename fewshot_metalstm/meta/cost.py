"""What a run is going to cost, from steps that were measured: seconds, operations, memory.

Operations are counted on single steps (:mod:`fewshot_metalstm.flops`), which takes longer than to
compute them; where that would be more than a small share of the run, they are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import torch

from fewshot_metalstm.flops import flops
from fewshot_metalstm.machine import peak_rss_mib

SLOWER = 15.0  # times that a step takes while it is counted, at most about
SHARE = 0.02  # of a run's time that counting may take


@dataclass(frozen=True)
class Piece:
    """A step that a run takes again and again: how often, its seconds, and what computes it."""

    times: float
    seconds: float
    work: Callable[[], object]


@dataclass(frozen=True)
class Cost:
    """What a run costs from here to its end.

    ``flops`` are of matrix products and convolutions, None where they were not counted.
    ``peak_mib`` is the most resident memory of this process up to here, with the data and with the
    measured steps; ``gpu_mib`` the most of the GPU's that torch held, None without one.
    """

    seconds: float
    flops: float | None
    peak_mib: float
    gpu_mib: float | None = None

    @property
    def words(self) -> str:
        """A line for the user, without the seconds, which the plan tells."""
        counted = []
        if self.flops is not None:
            number = f"{self.flops:.1e}".replace("e+", "e")
            counted = [f"about {number} floating-point operations in matrix products"]
        gpu = [] if self.gpu_mib is None else [f"{self.gpu_mib:.0f} MiB of the GPU's"]
        memory = f"{self.peak_mib:.0f} MiB of memory in this process so far"
        return f"cost: {', '.join((*counted, memory, *gpu))}"

    @property
    def metrics(self) -> dict[str, float]:
        """As a tracking run has them."""
        found = {"cost/seconds": self.seconds, "cost/peak_mib": self.peak_mib}
        further = {"cost/flops": self.flops, "cost/gpu_mib": self.gpu_mib}
        return found | {name: value for name, value in further.items() if value is not None}


def cost_of(seconds: float, pieces: Sequence[Piece], device: torch.device) -> Cost:
    """The cost of a run.

    Args:
        seconds: of all of it.
        pieces: what it computes again and again, of which one each is counted.
    """
    peak, gpu = peak_rss_mib(), None  # before counting, which takes memory of its own
    if device.type == "cuda":
        gpu = torch.cuda.max_memory_allocated(device) / 2**20
    counted = None
    if SLOWER * sum(piece.seconds for piece in pieces) <= SHARE * seconds:
        counted = sum(piece.times * flops(piece.work) for piece in pieces)
    return Cost(seconds, counted, peak, gpu)


def about(seconds: float) -> str:
    """A time in words that claim no more than is known: ``40 s``, ``12 min``, ``3 h 10 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(timedelta(seconds=seconds) / timedelta(minutes=1))
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
