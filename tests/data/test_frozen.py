"""Files of frozen draws: written, believed for their own split alone, refused when damaged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from fewshot_metalstm.data.frozen import FrozenDraws, Indices
from fewshot_metalstm.errors import UserError


@dataclass(frozen=True)
class Target:
    """A hundred things."""

    name: str = "things"
    sha256: str = "abc"
    things: int = 100


def draw(target: Target, shots: int, number: int) -> Indices:
    return tuple(range(number, number + shots))


FROZEN = FrozenDraws[Target](
    counted="things",
    shots=(2, 3),
    facts=lambda target: {"kind": "none", "split": "train", "sha256": target.sha256,
                          "things": target.things},
    draw=draw,
    size=lambda fields, shots: shots,
    corpus=lambda target: "box-of-things",
)  # fmt: skip


def test_what_was_written_is_found_and_nothing_else(tmp_path: Path) -> None:
    (path,) = FROZEN.freeze([Target()], tmp_path)
    assert path.name == "things.json"
    assert FROZEN.check([Target()], tmp_path) == ()
    assert FROZEN.found(Target(), 3, 4, 0, tmp_path) == (4, 5, 6)
    for shots, number, seed in ((4, 0, 0), (3, 5, 0), (3, 0, 1)):
        assert FROZEN.found(Target(), shots, number, seed, tmp_path) is None
    assert FROZEN.found(Target("other"), 3, 4, 0, tmp_path) is None
    assert path.read_text().splitlines()[:8] == [
        "{", '  "format": 1,', '  "target": "things",', '  "kind": "none",',
        '  "split": "train",', '  "sha256": "abc",', '  "things": 100,', '  "seed": 0,',
    ]  # fmt: skip


@pytest.mark.parametrize("other", [Target(sha256="abd"), Target(things=101)])
def test_of_another_split_it_is_refused(other: Target, tmp_path: Path) -> None:
    FROZEN.freeze([Target()], tmp_path)
    with pytest.raises(UserError, match=r"another train split.*data fetch box-of-things"):
        FROZEN.found(other, 2, 0, 0, tmp_path)
    assert "another train split" in FROZEN.check([other], tmp_path)[0]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"draw":0,"indices":[0,1]', '"draw":0,"indices":[0,1,2]', "draw 0 at 2 shots has 3 thin"),
        ('"draw":0,"indices":[0,1]', '"draw":0,"indices":[1,0]', "impossible indices"),
        ('"draw":0,"indices":[0,1]', '"draw":9,"indices":[0,1]', "draw 0 at 2 shots is missing"),
        ('"things"', '"thongs"', "is not a file of frozen draws"),
    ],
)
def test_a_damaged_file_is_one_line(old: str, new: str, fault: str, tmp_path: Path) -> None:
    (path,) = FROZEN.freeze([Target()], tmp_path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=fault):
        FROZEN.found(Target(), 2, 0, 0, tmp_path)


def test_a_draw_that_would_be_another_is_told(tmp_path: Path) -> None:
    (path,) = FROZEN.freeze([Target()], tmp_path)
    path.write_text(
        path.read_text().replace('"draw":1,"indices":[1,2]', '"draw":1,"indices":[1,9]')
    )
    (line,) = FROZEN.check([Target()], tmp_path)
    assert line.startswith("things: draw 1 at 2 shots differs from ")
