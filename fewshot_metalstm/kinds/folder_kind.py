"""A kind whose folder has a module for each thing that a kind gives, by the usual names.

So :mod:`fewshot_metalstm.kinds.kind` is answered by what stands in them, and a kind writes down
what is its own: its settings, how its tasks are read, its supports and its figure. A module is
imported when it is asked for, as most need torch.

========== =========================================================================
module     what is asked of it
========== =========================================================================
settings   ``check``
draws      ``FROZEN``
model      ``load_prepared``, ``read_config``
methods    ``METHODS``, a :class:`fewshot_metalstm.adapt.methods.Methods`
work       ``practice``, of a model, a target and the places of a support
predict    ``predict``
look       ``report_look``
========== =========================================================================
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.kinds.kind import Kind, PredictionRequest, Support

if TYPE_CHECKING:
    import torch

    from fewshot_metalstm.adapt.cell import Cell, CellResult
    from fewshot_metalstm.adapt.work import Loaded, Method
    from fewshot_metalstm.pages.look import Look


class FolderKind(Kind):
    """A kind that is answered by the modules of its folder; see :class:`Kind` for each method.

    Attributes:
        package: the folder, as it is imported.
    """

    package: str
    compressed = 2  # as :class:`fewshot_metalstm.kinds.stored.FolderFormat` reads it

    def module(self, name: str) -> Any:
        """A module of the folder."""
        return importlib.import_module(f"{self.package}.{name}")

    def check(self, config: Any) -> None:
        """See :class:`Kind`."""
        self.module("settings").check(config)

    def freeze_draws(self, targets: Sequence[Any]) -> Sequence[Path]:
        """See :class:`Kind`."""
        found: Sequence[Path] = self.module("draws").FROZEN.freeze(targets)
        return found

    def check_draws(self, targets: Sequence[Any]) -> Sequence[str]:
        """See :class:`Kind`."""
        found: Sequence[str] = self.module("draws").FROZEN.check(targets)
        return found

    def load_model(self, folder: Path, role: str | None = None) -> Any:
        """See :class:`Kind`."""
        return self.module("model").load_prepared(folder, role)

    def read_config(self, folder: Path, role: str | None = None) -> Mapping[str, Any]:
        """See :class:`Kind`."""
        found: Mapping[str, Any] = self.module("model").read_config(folder, role)
        return found

    def loaded(self, model: Any) -> Loaded:
        """See :class:`Kind`: reading its items builds nothing up."""
        from fewshot_metalstm.adapt.work import Loaded

        return Loaded(model)

    def methods(self) -> Mapping[str, Method]:
        """See :class:`Kind`."""
        found: Mapping[str, Method] = self.module("methods").METHODS.baselines
        return found

    def check_tune(self, tune: str) -> None:
        """See :class:`Kind`."""
        self.module("methods").METHODS.check_tune(tune)

    def make_cells(
        self, names: Sequence[str], target: Any, config: Any, supports: Sequence[Support],
        draws: Sequence[int], save: Path | None = None,
    ) -> tuple[Sequence[Cell], Sequence[str]]:  # fmt: skip
        """See :class:`Kind`; what reading the target changed is said, where it counts that."""
        cells = self.module("methods").METHODS.cells(names, config, supports, draws, save)
        notes = getattr(target, "notes", {})
        return cells, [f"{target.name}: {line}" for line in self.change_lines(notes)]

    def do_cell(self, cell: Cell, target: Any, loaded: Callable[[], Loaded]) -> CellResult:
        """See :class:`Kind`."""
        found: CellResult = self.module("methods").METHODS.do(cell, target, loaded)
        return found

    def practice(
        self, loaded: Loaded, target: Any, support: Sequence[int]
    ) -> tuple[int, Callable[[Sequence[int]], object]]:
        """See :class:`Kind`."""
        found: tuple[int, Callable[[Sequence[int]], object]] = self.module("work").practice(
            loaded.model, target, support
        )
        return found

    def predict(self, request: PredictionRequest, **options: Any) -> Iterator[str]:
        """See :class:`Kind`.

        Args:
            options: those that the kind declares for the command line.
        """
        found: Iterator[str] = self.module("predict").predict(request, **options)
        return found

    def look(self, folder: Path, target: Any, split: str, device: torch.device) -> Look:
        """See :class:`Kind`."""
        found: Look = self.module("look").report_look(folder, target, split, device)
        return found
