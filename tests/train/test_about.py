"""What models that ``train`` wrote say of where they came from."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from fewshot_metalstm.train.about import joint_about, trained_about


@dataclass(frozen=True)
class Made:
    """A task, as far as this looks at it."""

    name: str
    family: str
    synthetic: bool = False

    @property
    def digests(self) -> dict[str, str]:
        return {"train": f"sha-{self.name}", "test": "other"}


TASKS: Any = [Made("b", "two"), Made("a", "one", synthetic=True)]
START = SimpleNamespace(about={"families": ["zero", "one"], "suite": "s"})


def test_a_tasks_own_model() -> None:
    session = {"epoch": 3, "chosen_by": "devel", "scores": {"devel": 12.3456}}
    assert trained_about(TASKS[0], TASKS, None, session, "bpc", 3) == {
        "jointly_with": ["a"], "from": {}, "synthetic": False, "epoch": 3, "chosen_by": "devel",
        "devel_bpc": 12.346, "test_bpc": None,
    }  # fmt: skip
    assert trained_about(TASKS[1], TASKS, START, {}, "f1")["from"] == START.about


def test_a_checkpoint_of_all() -> None:
    found = joint_about(TASKS, START, 5)
    assert found.pop("recipe")["algorithm"] == "joint"
    assert found == {
        "suite": "b+a", "synthetic": True, "targets_excluded": [],
        "families": ["one", "two", "zero"], "tasks": ["b", "a"], "algorithm": "joint", "seed": 5,
        "corpora": {"b": {"train": "sha-b"}, "a": {"train": "sha-a"}},
    }  # fmt: skip
    assert joint_about(TASKS, None, 5)["families"] == ["one", "two"]
