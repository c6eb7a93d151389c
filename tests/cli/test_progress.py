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


def test_without_a_terminal_there_are_lines() -> None:
    file = io.StringIO()
    progress = TerminalProgress()
    progress.console = Terminal(file=file, force_terminal=False)
    with progress:
        progress.phase("adapting", 2)
        progress.advance(1, {})
        progress.advance(2, {"validation_f1": 71.5})
    assert file.getvalue() == "adapting: 2 to do\nadapting: 2/2 F1 71.5\n"
