"""A start from joint training: where it is found, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.start import read_start


@dataclass(frozen=True)
class Loaded:
    """A checkpoint of nothing."""

    folder: Path
    about: Mapping[str, Any] = field(default_factory=lambda: {"algorithm": "joint"})


def test_a_run_stands_for_its_checkpoint(tmp_path: Path) -> None:
    inside = tmp_path / "checkpoint"
    inside.mkdir()

    def read() -> Path:
        return read_start(
            str(tmp_path), Loaded, same_tasks=lambda _: True, same_settings=lambda _: True,
            section="tagger",
        ).folder  # fmt: skip

    assert read() == tmp_path
    (inside / "config.json").write_text("{}")
    assert read() == inside


@pytest.mark.parametrize(
    ("algorithm", "tasks", "settings", "expected"),
    [
        ("fomaml", True, True, "is not of joint training"),
        ("joint", False, False, "was trained on other tasks"),
        ("joint", True, False, "has other settings of the section tagger"),
    ],
)
def test_another_start_is_refused(
    tmp_path: Path, algorithm: str, tasks: bool, settings: bool, expected: str
) -> None:
    with pytest.raises(UserError, match=expected):
        read_start(
            str(tmp_path), lambda folder: Loaded(folder, {"algorithm": algorithm}),
            same_tasks=lambda _: tasks, same_settings=lambda _: settings, section="tagger",
        )  # fmt: skip
