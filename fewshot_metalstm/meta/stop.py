"""Ctrl-C and SIGTERM as a wish that a loop can ask for between two steps."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class StopSignal:
    """Within the block, the first SIGINT or SIGTERM only sets ``requested``.

    A second one acts as it would have: a run that is stuck can still be ended. Outside the main
    thread, where signals cannot be caught, the block changes nothing.
    """

    def __init__(self) -> None:
        self.requested: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignal:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.requested = number
        for caught, handler in self._before.items():
            signal.signal(caught, handler)
