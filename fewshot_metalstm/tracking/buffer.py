"""Metrics on their way to the store: noted in microseconds, written in batches by a thread.

A write to SQLite takes milliseconds and one batch hundreds of them; the training step must not
wait for either. One thread a run collects what was noted and hands it over in order.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

Point = tuple[int, int, dict[str, float]]
"""Milliseconds since 1970, step, metrics."""


class MetricBuffer:
    """Collects points and sends them every so many steps, every so many seconds, and at the end.

    Args:
        send: writes a list of points to the store; called by one thread at a time. When it
            raises, the points are kept, in order, for the next time.
        every_steps: points after which the writer is woken.
        every_seconds: the longest that a point waits for the writer.
    """

    def __init__(
        self,
        send: Callable[[list[Point]], None],
        *,
        every_steps: int = 50,
        every_seconds: float = 10.0,
    ) -> None:
        self._send = send
        self._every_steps = every_steps
        self._every_seconds = every_seconds
        self._points: deque[Point] = deque()
        self._sending = threading.Lock()
        self._wake = threading.Event()
        self._stop = False
        self._thread: threading.Thread | None = None
        self.problem: Exception | None = None

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """Note the metrics of one step."""
        self._points.append((int(time.time() * 1000), step, dict(metrics)))
        if self._thread is None:
            # Made at the first point: the many child runs that log no steps need no thread.
            self._thread = threading.Thread(target=self._work, name="metric-writer", daemon=True)
            self._thread.start()
        elif len(self._points) >= self._every_steps and not self._wake.is_set():
            self._wake.set()

    def flush(self) -> None:
        """Send what was noted so far. A failure is kept in :attr:`problem`, as are the points."""
        with self._sending:
            points: list[Point] = []
            while self._points:
                points.append(self._points.popleft())
            if not points:
                return
            try:
                self._send(points)
            except Exception as problem:
                # A store that is locked or away for a moment must not end a long training run:
                # the points wait for the next flush, and the last one reports what is left.
                self._points.extendleft(reversed(points))
                self.problem = problem
            else:
                self.problem = None

    def close(self) -> int:
        """Stop the thread, send the rest and return the number of points that stay unsent."""
        self._stop = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()
        return len(self._points)

    def _work(self) -> None:
        while not self._stop:
            self._wake.wait(self._every_seconds)
            self._wake.clear()
            if not self._stop:
                self.flush()
