"""The engines of MAML by name: what takes the gradient through its inner steps.

A new engine is a file beside this one, with a class that derives from
:class:`~fewshot_metalstm.meta.unrolled.Unrolled`, and an entry of :data:`ENGINES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from fewshot_metalstm.errors import UserError

if TYPE_CHECKING:
    from fewshot_metalstm.meta.config import TrainingConfig
    from fewshot_metalstm.meta.unrolled import Unrolled


@dataclass(frozen=True)
class Engine:
    """An engine: what it is in one line, and where its class is (``"module:attribute"``)."""

    about: str
    target: str


ENGINES: Mapping[str, Engine] = {
    "higher": Engine("the library higher", "fewshot_metalstm.meta.maml:MAML"),
    "learn2learn": Engine("the library learn2learn", "fewshot_metalstm.meta.l2l:Learn2LearnMAML"),
    "func": Engine(
        "torch.func, several episodes side by side", "fewshot_metalstm.meta.func:FuncMAML"
    ),
}


def check_engine(name: str) -> None:
    """Raise :class:`UserError` for an engine that there is not."""
    if name not in ENGINES:
        raise UserError(f"engine {name!r} is unknown; use {', '.join(ENGINES)}")


def maml(config: TrainingConfig) -> Unrolled:
    """MAML by the engine that the settings name."""
    check_engine(config.engine)
    kind: type[Unrolled] = resolve_name(ENGINES[config.engine].target)
    return kind.from_config(config)
