"""The methods of a kind whose learners have a linear head: its baselines, and a checkpoint adapted.

A checkpoint is adapted by gradient steps, or its head is made of the support as prototypes; a kind
adds baselines of its own. Tagging has more ways, and a list of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from fewshot_metalstm.adapt.baselines import with_others
from fewshot_metalstm.adapt.cell import SCRATCH, Cell, CellResult
from fewshot_metalstm.adapt.finetune import AdaptConfig, check
from fewshot_metalstm.adapt.prototypes import (
    PROTOTYPES,
    PrototypesConfig,
    after_prototypes,
    check_prototypes,
)
from fewshot_metalstm.adapt.settings import AdaptRunSettings
from fewshot_metalstm.adapt.tuning import tune_for
from fewshot_metalstm.adapt.work import Loaded, Method, Run, checked
from fewshot_metalstm.kinds.kind import Support
from fewshot_metalstm.meta.registry import usual_tune


class Settings(Protocol):
    """What the settings of adaptation of such a kind have."""

    @property
    def seed(self) -> int:
        """From which all randomness is derived."""

    @property
    def tune(self) -> str:
        """What ``--tune`` says."""

    @property
    def adapt(self) -> AdaptConfig:
        """Of a checkpoint."""

    @property
    def scratch(self) -> AdaptConfig:
        """Of a fresh learner."""

    @property
    def prototypes(self) -> PrototypesConfig:
        """Of a head made of the support."""


@dataclass(frozen=True)
class Methods:
    """The methods of a kind.

    ``run`` adapts a learner: the checkpoint's, or a fresh one of its sizes, which ``fresh``
    describes in a line; ``own`` are baselines that the kind has besides.
    """

    kind: str
    run: Run
    fresh: str
    own: Mapping[str, Method]

    @property
    def baselines(self) -> Mapping[str, Method]:
        """All that stand beside a checkpoint, those of other packages too."""
        scratch = Method(
            lambda s, _: "all", lambda s: checked(s.scratch, check), self.run,
            description=self.fresh,
        )  # fmt: skip
        return with_others(self.kind, {SCRATCH: scratch, **self.own})

    @cached_property
    def _adapted(self) -> Method:
        return Method(
            lambda s, name: check_tune(s.tune, name), lambda s: checked(s.adapt, check), self.run
        )

    @cached_property
    def _made(self) -> Method:
        return Method(
            lambda s, name: check_tune(after_prototypes(s), name),
            lambda s: checked(s.prototypes, check_prototypes),
            self.run,
        )

    def method_of(self, name: str, settings: Settings) -> Method:
        """The method of a cell: a baseline, or what a checkpoint of an algorithm is adapted by."""
        known = self.baselines
        if name in known:
            return known[name]
        check_tune(settings.tune)
        by_prototypes = PROTOTYPES in (settings.tune, usual_tune(name))
        return self._made if by_prototypes else self._adapted

    def cells(
        self, names: Sequence[str], settings: Settings, supports: Sequence[Support],
        draws: Sequence[int], save: Path | None,
    ) -> list[Cell]:  # fmt: skip
        """See :meth:`fewshot_metalstm.kinds.kind.Kind.make_cells`."""
        score = settings.score if isinstance(settings, AdaptRunSettings) else True
        cells = []
        for number, name in enumerate(names):
            method = self.method_of(name, settings)
            config, tune = method.config(settings), method.tune(settings, name)
            cells += [
                Cell(
                    name, draw, settings.seed, support.indices, tune, config,
                    save if number == 0 and at == 0 else None, score,
                )
                for at, (draw, support) in enumerate(zip(draws, supports, strict=True))
            ]  # fmt: skip
        return cells

    def do(self, cell: Cell, target: Any, loaded: Callable[[], Loaded]) -> CellResult:
        """Do a cell of any method; ``loaded`` is called by those that need a checkpoint."""
        method = self.baselines.get(cell.method)
        return (self.run if method is None else method.run)(cell, target, loaded)


def check_tune(tune: str, algorithm: str = "") -> str:
    """``tune``, or what ``auto`` stands for; :class:`UserError` for an unknown one."""
    return tune_for(tune, algorithm, (PROTOTYPES,))
