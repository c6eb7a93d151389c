"""The ways to get a classifier from a support, by name: their settings, and how a cell is done."""

from __future__ import annotations

import time
from collections.abc import Callable

from fewshot_metalstm import ranges
from fewshot_metalstm.accuracy import compare
from fewshot_metalstm.adapt.cell import Cell, CellResult
from fewshot_metalstm.adapt.methods import Methods
from fewshot_metalstm.adapt.work import Loaded, Method, checked
from fewshot_metalstm.kinds.classification import tfidf
from fewshot_metalstm.kinds.classification.settings import TfidfConfig
from fewshot_metalstm.kinds.classification.tasks import KIND, ClassificationTask
from fewshot_metalstm.kinds.classification.work import ClassificationWork

TFIDF = "tfidf"


def run_adapted(cell: Cell, target: ClassificationTask, loaded: Callable[[], Loaded]) -> CellResult:
    """Adapt a learner: the checkpoint's, or a fresh one of its sizes."""
    return ClassificationWork(cell, loaded(), target).run()


def run_tfidf(cell: Cell, target: ClassificationTask, loaded: Callable[[], Loaded]) -> CellResult:
    """Fit TF-IDF with logistic regression to the support."""
    del loaded
    assert isinstance(cell.config, TfidfConfig)
    began = time.perf_counter()
    support = target.splits["train"].at(cell.support)
    score = None
    if cell.score and "test" in target.sizes:
        test = target.splits["test"]
        found = tfidf.predict(support.texts, support.labels, test.texts, cell.config, cell.seed)
        score = compare(test.labels, found, target.classes)
    seconds = time.perf_counter() - began
    number = len(cell.support)
    return CellResult(cell.called, cell.draw, score, number, number, seconds)


METHODS = Methods(
    kind=KIND,
    run=run_adapted,
    fresh="the same classifier, fresh, with the checkpoint's word vectors",
    own={
        TFIDF: Method(
            lambda s, _: "all",
            lambda s: checked(s.tfidf, lambda config: ranges.check(config, TFIDF)),
            run_tfidf, checkpoint=False,
            description="words and pairs of words by TF-IDF, with logistic regression",
        ),
    },
)  # fmt: skip
