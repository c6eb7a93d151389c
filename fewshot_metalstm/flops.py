"""Floating-point operations, counted by torch while they are computed.

``torch.utils.flop_counter`` counts matrix products and convolutions of every pass, forward and
backward: two operations for each product and its addition. What is done element by element (gates,
the recursion of a CRF) is not in it. Kernels that numba compiled are out of torch's sight, so that
the forms in torch stand in for them while something is counted
(:func:`fewshot_metalstm.nn.jit.available`): they compute the same products, if not as fast.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

_COUNTING: ContextVar[bool] = ContextVar("counting", default=False)


def counting() -> bool:
    """Whether operations are being counted, so that no compiled kernel may be taken."""
    return _COUNTING.get()


def flops(work: Callable[[], object]) -> int:
    """The operations of matrix products and convolutions that ``work`` takes."""
    from torch.utils.flop_counter import FlopCounterMode

    before = _COUNTING.set(True)
    try:
        with FlopCounterMode(display=False) as counter:
            work()
    finally:
        _COUNTING.reset(before)
    return int(counter.get_total_flops())
