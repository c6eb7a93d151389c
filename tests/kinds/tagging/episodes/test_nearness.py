"""How near source tasks are by a task map, against shares worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.episodes.distribution import TaskDistribution
from fewshot_metalstm.kinds.tagging.episodes.nearness import nearness_of
from tests.kinds.tagging.episodes.builders import filler, task

TASKS = [task(name, filler(name, 20, 20)) for name in ("a", "b", "c")]
HEAD = "target,type,split,sentences,mentions,a/X,a/Y,b,c/X\n"
OWN = HEAD + "a,X,devel,5,5,1,2,4,8\nb,X,devel,5,5,6,3,1,9\nc,X,devel,5,5,4,5,2,1\n"


def written(folder: Path, text: str) -> Path:
    (folder / "losses.csv").write_text(text)
    return folder / "losses.csv"


def test_a_task_is_near_where_its_heads_know_what_the_best_foreign_ones_do(tmp_path: Path) -> None:
    near = nearness_of(written(tmp_path, OWN), TASKS, 1)
    # a on b: 3 of 3, and on c: 2 of 4; b on a: 4 of 4, and on c: 2 of 2; c on a: 4 of 8, on b: 3/9.
    assert near == pytest.approx(((1 + 0.5) / 2, 1.0, (0.5 + 1 / 3) / 2))
    sharp = nearness_of(written(tmp_path, OWN), TASKS, 2)
    assert sharp == pytest.approx(((1 + 0.25) / 2, 1.0, (0.25 + 1 / 9) / 2))
    assert nearness_of(written(tmp_path, OWN), TASKS, 0) == (1.0, 1.0, 1.0)


def test_a_target_is_nobodys_family(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "new,Z,train,5,5,8,4,2,1\n")
    assert nearness_of(path, TASKS, 1) == pytest.approx((0.25, 0.5, 1.0))
    path.write_text(path.read_text(), encoding="utf-8-sig")  # as spreadsheets save it
    assert nearness_of(path, TASKS, 1) == pytest.approx((0.25, 0.5, 1.0))


def test_near_tasks_are_drawn_more_often() -> None:
    held = TaskDistribution(TASKS, shots=2, query=4, nearness=(0.5, 1.0, 0.5))
    assert held.probabilities == pytest.approx((0.25, 0.5, 0.25))


@pytest.mark.parametrize(("text", "line"), [
    (OWN.replace("b,c/X", "d,c/X"), "has no head of the task b"),
    (OWN.replace("target,", "aim,"), "is no map of tasks with rows"),
    (HEAD, "is no map of tasks with rows"),
    (OWN.replace("1,2,4,8", "1,2,4"), "does not have a loss for each head"),
    (OWN.replace("1,2,4,8", "1,2,4,x"), "has a loss that is no number"),
    (OWN.replace("1,2,4,8", "1,2,4,nan"), "does not have a loss for each head"),
    (HEAD + "a,X,devel,5,5,1,2,4,8\n", "has no row but those of the family of a"),
])  # fmt: skip
def test_what_is_no_map_is_refused_in_one_line(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(UserError, match=line):
        nearness_of(written(tmp_path, text), TASKS, 1)
    with pytest.raises(UserError, match="is no table that can be read"):
        nearness_of(tmp_path / "none.csv", TASKS, 1)
