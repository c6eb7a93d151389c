"""Episodes as a learn2learn taskset, and the script in the documentation."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import pytest

from fewshot_metalstm.compat.taskset import EpisodeTaskset
from tests.compat.needed import learn2learn_or_skip
from tests.meta.toys import Sines

PAGE = Path(__file__).parents[2] / "docs" / "learn2learn.md"


def test_tasks_by_number_by_loop_and_by_sample_are_the_same() -> None:
    tasks = EpisodeTaskset(Sines(), num_tasks=3)
    names = ["sine/0/0", "sine/1/0", "sine/2/0"]
    assert len(tasks) == 3
    assert [tasks[i].name for i in range(3)] == names
    assert [task.name for task in tasks] == names
    assert [task.name for task in tasks] == names, "a second loop begins anew"
    assert [tasks.sample().name for _ in range(5)] == [*names, *names[:2]]
    for beyond in (3, -1):
        with pytest.raises(IndexError):
            tasks[beyond]


def test_without_an_end() -> None:
    tasks = EpisodeTaskset(Sines())
    assert len(tasks) == 1, "as learn2learn has it"
    assert [t.name for t in itertools.islice(tasks, 2)] == ["sine/0/0", "sine/1/0"]
    assert tasks[1000].name == "sine/1000/0"
    assert tasks.sample().name == "sine/0/0"
    with pytest.raises(ValueError, match="at least 1"):
        EpisodeTaskset(Sines(), num_tasks=0)


def test_the_script_in_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    learn2learn_or_skip()
    (script,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    names: dict[str, object] = {}
    exec(compile(script, str(PAGE), "exec"), names)
    losses = names["losses"]
    assert isinstance(losses, list)
    assert len(losses) == 6
    assert all(math.isfinite(loss) for loss in losses)
    assert capsys.readouterr().out.startswith("[")
