"""The ways to get a translator from a support, by name: settings, and how a cell is done."""

from __future__ import annotations

from collections.abc import Callable

from fewshot_metalstm.adapt.cell import Cell, CellResult
from fewshot_metalstm.adapt.methods import Methods
from fewshot_metalstm.adapt.work import Loaded, Method
from fewshot_metalstm.kinds.translation.pairs import KIND
from fewshot_metalstm.kinds.translation.settings import UnadaptedConfig
from fewshot_metalstm.kinds.translation.tasks import TranslationTask
from fewshot_metalstm.kinds.translation.work import TranslationWork


def run_adapted(cell: Cell, target: TranslationTask, loaded: Callable[[], Loaded]) -> CellResult:
    """Adapt a learner: the checkpoint's, or a fresh one of its sizes."""
    return TranslationWork(cell, loaded(), target).run()


METHODS = Methods(
    kind=KIND,
    run=run_adapted,
    fresh="the same translator, fresh, with the checkpoint's subwords",
    own={
        "unadapted": Method(
            lambda s, _: "all", lambda _: UnadaptedConfig(), run_adapted,
            description="the checkpoint as it is",
        ),
    },
    prototypes=False,
)  # fmt: skip
