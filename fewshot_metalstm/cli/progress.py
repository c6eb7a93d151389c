"""Progress of long work on standard error: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
)
from rich.text import Text

from fewshot_metalstm.cli.terminal import Terminal

LINE_SECONDS = 15.0  # between two lines where there is no terminal

_LABELS = {
    "loss": "loss", "loss_before": "before", "loss_after": "after", "validation_f1": "F1",
    "query_f1": "query F1", "validation_accuracy": "accuracy", "query_accuracy": "query accuracy",
    "inner_lr": "inner lr", "outer_lr": "outer lr",
}  # fmt: skip


class TerminalProgress:
    """Shows phases, figures and time left; a context manager.

    It has the form of :class:`fewshot_metalstm.meta.outcome.Progress`.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.console = Terminal(stderr=True)
        self._bar: Progress | None = None
        self._task: Any = None
        self._phase = ""
        self._total = 0
        self._said = 0.0
        self._plan: dict[str, tuple[float, float]] = {}  # where a phase begins, and a step's worth
        self._whole = 0.0

    def __enter__(self) -> TerminalProgress:
        if not self.quiet and self.console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"), BarColumn(bar_width=20),
                TextColumn("{task.fields[count]}"),
                _Time(), TextColumn("{task.fields[figures]}"), console=self.console,
            )  # fmt: skip
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar away, so that plain lines can follow."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def plan(self, phases: Sequence[tuple[str, int, float]]) -> None:
        """Phases that share a bar: name, steps, and what a step is worth of it (its seconds)."""
        self._plan, self._whole = {}, 0.0
        for name, steps, worth in phases:
            self._plan[name] = (self._whole, worth)
            self._whole += steps * worth
        self._task = None

    def phase(self, name: str, total: int, done: int = 0) -> None:
        """A phase begins."""
        shares = name in self._plan and self._phase in self._plan and self._task is not None
        self._phase, self._total, self._said = name, total, time.monotonic()
        if self._bar is not None:
            completed, whole = self._at(done)
            shown: dict[str, Any] = {
                "completed": completed,
                "figures": "",
                "count": self._count(done),
            }
            if shares:
                self._bar.update(self._task, description=name, **shown)
            else:
                self._task = self._bar.add_task(name, total=whole, **shown)
        elif not self.quiet:
            self.console.print(f"{name}: {total} to do" + (f", {done} done" if done else ""))

    def advance(self, done: int, figures: Mapping[str, float]) -> None:
        """``done`` of the phase is done."""
        if self._bar is not None:
            self._bar.update(self._task, completed=self._at(done)[0], count=self._count(done),
                             figures=_text(figures))  # fmt: skip
            return
        now = time.monotonic()
        if not self.quiet and (now - self._said > LINE_SECONDS or done == self._total):
            self._said = now
            line = f"{self._phase}: {self._count(done)} {_text(figures)}".rstrip()
            self.console.print(line, highlight=False, soft_wrap=True)

    def _at(self, done: int) -> tuple[float, float]:
        """How far the bar is, and where it ends."""
        if self._phase not in self._plan:
            return done, self._total
        start, worth = self._plan[self._phase]
        return start + done * worth, self._whole

    def _count(self, done: int) -> str:
        """Steps of the phase and, where it shares the bar, how much of the whole is done."""
        completed, whole = self._at(done)
        steps = f"{done}/{self._total}"
        return f"{steps} ({completed / whole:.0%} of all)" if self._plan and whole else steps

    def note(self, text: str) -> None:
        """A line of its own, above the bar."""
        if text and not self.quiet:
            (self._bar.console if self._bar else self.console).print(
                text, highlight=False, soft_wrap=True
            )


class _Time(ProgressColumn):
    """Time left or, while nothing is done to tell it from, the time spent: one sees it run."""

    def render(self, task: Task) -> Text:
        left = task.time_remaining
        seconds, what = (task.elapsed or 0.0, "so far") if left is None else (left, "left")
        return Text(f"{timedelta(seconds=int(seconds))} {what}", style="progress.remaining")


def _text(figures: Mapping[str, float]) -> str:
    shown = ((_LABELS[k], v) for k, v in figures.items() if k in _LABELS and v == v)
    return "  ".join(f"{label} {value:.3g}" for label, value in shown)
