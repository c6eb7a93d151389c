"""The ways to get a language model from a support, by name: settings, and how a cell is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from fewshot_metalstm import ranges
from fewshot_metalstm.adapt.cell import Cell, CellResult
from fewshot_metalstm.adapt.methods import Methods
from fewshot_metalstm.adapt.work import Loaded, Method, checked
from fewshot_metalstm.kinds.language_model.dynamic import dynamic
from fewshot_metalstm.kinds.language_model.model import StoredModel
from fewshot_metalstm.kinds.language_model.ngram import mixed
from fewshot_metalstm.kinds.language_model.score import Score
from fewshot_metalstm.kinds.language_model.settings import UnadaptedConfig
from fewshot_metalstm.kinds.language_model.tasks import KIND, TEST, Span, TextTask
from fewshot_metalstm.kinds.language_model.work import LanguageWork

Scored = Callable[[Any, StoredModel, TextTask, tuple[Span, ...], tuple[Span, ...]], Score]
"""The score of some spans, from the settings, a checkpoint, the task and the support's spans."""


def run_adapted(cell: Cell, target: TextTask, loaded: Callable[[], Loaded]) -> CellResult:
    """Adapt a learner: the checkpoint's, or a fresh one of its sizes."""
    return LanguageWork(cell, loaded().model, target).run()


def run_peer(
    scored: Scored, cell: Cell, target: TextTask, loaded: Callable[[], Loaded]
) -> CellResult:
    """Score what makes no model that could be kept, and learns while it is scored."""
    model: StoredModel = loaded().model
    support = target.runs(cell.support)
    began = time.perf_counter()
    score = None
    if cell.score and TEST in target.sizes:
        score = scored(cell.config, model, target, support, target.query(support))
    seconds = time.perf_counter() - began
    return CellResult(
        cell.called, cell.draw, score, len(cell.support), target.size(support), seconds
    )


def _peer(scored: Scored, section: str, description: str) -> Method:
    def config(settings: Any) -> Any:
        own = getattr(settings, section)
        return checked(own, lambda given: ranges.check(given, section))

    return Method(lambda s, _: "all", config, partial(run_peer, scored), description=description)


METHODS = Methods(
    kind=KIND,
    run=run_adapted,
    fresh="the same language model, fresh",
    own={
        "unadapted": Method(
            lambda s, _: "all", lambda _: UnadaptedConfig(), run_adapted,
            description="the checkpoint as it is",
        ),
        "dynamic": _peer(
            dynamic, "dynamic", "the checkpoint, which goes on learning while it is scored"
        ),
        "ngram": _peer(mixed, "ngram", "an n-gram model of the support, mixed with the checkpoint"),
    },
    prototypes=False,
)  # fmt: skip
