"""The bar on a terminal."""

from __future__ import annotations

import io

from rich.console import Console
from rich.progress import Progress

from fewshot_metalstm.cli.progress import TerminalProgress, _Time
from fewshot_metalstm.cli.terminal import Terminal


def test_the_time_is_that_spent_until_there_is_one_to_tell() -> None:
    now = 0.0
    column = _Time()
    bar = Progress(column, console=Console(file=io.StringIO()), get_time=lambda: now)
    name = bar.add_task("adapting", total=4)
    task = bar.tasks[0]
    now = 65.0
    assert column.render(task).plain == "0:01:05 so far"
    bar.update(name, completed=1)
    now = 75.0
    bar.update(name, completed=2)
    assert column.render(task).plain == "0:00:20 left"


def test_phases_that_are_planned_share_a_bar() -> None:
    file = io.StringIO()
    progress = TerminalProgress()
    progress.console = Terminal(file=file, force_terminal=True, width=150)
    with progress:
        progress.phase("word vectors", 2)
        progress.advance(2, {})
        progress.plan([("joint training", 100, 0.1), ("outer loop", 10, 3.0)])
        bar = progress._bar
        assert bar is not None
        progress.phase("joint training", 100, 50)
        vectors, whole = bar.tasks
        assert (whole.total, whole.completed) == (40.0, 5.0)
        progress.advance(100, {"loss": 1.0})
        progress.phase("outer loop", 10)
        assert bar.tasks == [vectors, whole]
        assert (whole.description, whole.completed) == ("outer loop", 10.0)
        progress.advance(5, {})
        assert (whole.completed, whole.fields["count"]) == (25.0, "5/10 (62% of all)")
        progress.advance(10, {})
        assert whole.finished


def test_without_a_terminal_there_are_lines() -> None:
    file = io.StringIO()
    progress = TerminalProgress()
    progress.console = Terminal(file=file, force_terminal=False)
    with progress:
        progress.phase("adapting", 2)
        progress.advance(1, {})
        progress.advance(2, {"validation_f1": 71.5})
    assert file.getvalue() == "adapting: 2 to do\nadapting: 2/2 F1 71.5\n"
    file.truncate(0)
    file.seek(0)
    with progress:
        progress.plan([("joint training", 4, 1.0), ("outer loop", 2, 2.0)])
        progress.phase("joint training", 4)
        progress.advance(4, {})
        progress.phase("outer loop", 2, 1)
        progress.advance(2, {})
    assert file.getvalue().splitlines() == [
        "joint training: 4 to do", "joint training: 4/4 (50% of all)",
        "outer loop: 2 to do, 1 done", "outer loop: 2/2 (100% of all)",
    ]  # fmt: skip
