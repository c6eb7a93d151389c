"""The methods of a kind with a linear head: which one a cell is done by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fewshot_metalstm.adapt.cell import Cell, CellResult
from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.methods import Methods, check_tune
from fewshot_metalstm.adapt.prototypes import PROTOTYPES, PrototypesConfig
from fewshot_metalstm.adapt.work import Loaded, Method
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.kind import Support


@dataclass(frozen=True)
class Settings:
    """Those that all methods need."""

    seed: int = 3
    tune: str = "auto"
    adapt: AdaptConfig = field(default_factory=AdaptConfig)
    scratch: AdaptConfig = field(default_factory=lambda: AdaptConfig(lr=0.5))
    prototypes: PrototypesConfig = field(default_factory=PrototypesConfig)


def by(name: str) -> Callable[[Cell, object, Callable[[], Loaded]], CellResult]:
    """A method that says who did the cell."""
    return lambda cell, _, __: CellResult(name, cell.draw, None, 1, 1, 0.0)


METHODS = Methods(
    "toys", by("adapted"), "the same toy, fresh",
    {"luck": Method(lambda s, _: "all", lambda _: "no settings", by("luck"), checkpoint=False)},
)  # fmt: skip


def test_cells_of_every_method() -> None:
    supports = [Support((1, 2)), Support((5,))]
    names = ("joint", "scratch", "luck")
    cells = METHODS.cells(names, Settings(), supports, [0, 4], Path("kept"))
    assert [(c.method, c.draw, c.support) for c in cells] == [
        (name, draw, indices) for name in names for draw, indices in ((0, (1, 2)), (4, (5,)))
    ]
    assert [c.save for c in cells] == [Path("kept"), *[None] * 5], "the first alone is kept"
    assert cells[2].config == Settings().scratch
    assert cells[4].config == "no settings"
    done = [METHODS.do(cell, object(), lambda: Loaded(None)).method for cell in cells]
    assert done == ["adapted"] * 4 + ["luck"] * 2


@pytest.mark.parametrize(
    ("algorithm", "tune", "expected"),
    [
        ("joint", "auto", "all"),
        ("joint", "head", "head"),
        ("joint", PROTOTYPES, PROTOTYPES),
        ("protonet", "auto", PROTOTYPES),
    ],
)
def test_what_is_tuned_follows_the_settings_then_the_checkpoint(
    algorithm: str, tune: str, expected: str
) -> None:
    (cell,) = METHODS.cells([algorithm], Settings(tune=tune), [Support((1,))], [0], None)
    assert cell.tune == expected
    assert isinstance(cell.config, PrototypesConfig) == (expected == PROTOTYPES)


def test_an_unknown_tune_is_refused() -> None:
    with pytest.raises(UserError, match="tune 'everything' is unknown; use auto, basic"):
        check_tune("everything")
    with pytest.raises(UserError, match="is unknown"):
        METHODS.method_of("joint", Settings(tune="everything"))
