"""The ways to get a classifier from a support, by name: their settings, and how a cell is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fewshot_metalstm import ranges
from fewshot_metalstm.accuracy import compare
from fewshot_metalstm.adapt.baselines import with_others
from fewshot_metalstm.adapt.cell import SCRATCH, Cell, CellResult
from fewshot_metalstm.adapt.finetune import check
from fewshot_metalstm.adapt.prototypes import PROTOTYPES, after_prototypes, check_prototypes
from fewshot_metalstm.adapt.settings import AdaptRunSettings
from fewshot_metalstm.adapt.tuning import tune_for
from fewshot_metalstm.adapt.work import Loaded, Method, checked
from fewshot_metalstm.kinds.classification import tfidf
from fewshot_metalstm.kinds.classification.settings import ClassificationSettings, TfidfConfig
from fewshot_metalstm.kinds.classification.tasks import KIND, ClassificationTask
from fewshot_metalstm.kinds.classification.work import ClassificationWork
from fewshot_metalstm.kinds.kind import Support
from fewshot_metalstm.meta.registry import usual_tune

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


# Beside a checkpoint that is adapted.
BASELINES: Mapping[str, Method] = {
    SCRATCH: Method(
        lambda s, _: "all", lambda s: checked(s.scratch, check), run_adapted,
        description="the same classifier, fresh, with the checkpoint's word vectors",
    ),
    TFIDF: Method(
        lambda s, _: "all",
        lambda s: checked(s.tfidf, lambda config: ranges.check(config, TFIDF)),
        run_tfidf, checkpoint=False,
        description="words and pairs of words by TF-IDF, with logistic regression",
    ),
}  # fmt: skip
MADE = Method(
    lambda s, name: check_tune(after_prototypes(s), name),
    lambda s: checked(s.prototypes, check_prototypes),
    run_adapted,
)
ADAPTED = Method(
    lambda s, name: check_tune(s.tune, name), lambda s: checked(s.adapt, check), run_adapted
)


def baselines() -> Mapping[str, Method]:
    """The baselines of classification, those of other packages too."""
    return with_others(KIND, BASELINES)


def check_tune(tune: str, algorithm: str = "") -> str:
    """``tune``, or what ``auto`` stands for; :class:`UserError` for an unknown one."""
    return tune_for(tune, algorithm, (PROTOTYPES,))


def method_of(name: str, settings: ClassificationSettings) -> Method:
    """The method of a cell: a baseline, or what a checkpoint of an algorithm is adapted by."""
    known = baselines()
    if name in known:
        return known[name]
    check_tune(settings.tune)
    if settings.tune == PROTOTYPES:
        return MADE
    return MADE if usual_tune(name) == PROTOTYPES else ADAPTED


def make_cells(
    names: Sequence[str], settings: ClassificationSettings, supports: Sequence[Support],
    draws: Sequence[int], save: Path | None,
) -> list[Cell]:  # fmt: skip
    """See :meth:`fewshot_metalstm.kinds.kind.Kind.make_cells`."""
    score = settings.score if isinstance(settings, AdaptRunSettings) else True
    cells = []
    for number, name in enumerate(names):
        method = method_of(name, settings)
        config, tune = method.config(settings), method.tune(settings, name)
        cells += [
            Cell(
                name, draw, settings.seed, support.indices, tune, config,
                save if number == 0 and at == 0 else None, score,
            )
            for at, (draw, support) in enumerate(zip(draws, supports, strict=True))
        ]  # fmt: skip
    return cells


def do_cell(cell: Cell, target: ClassificationTask, loaded: Callable[[], Loaded]) -> CellResult:
    """Do a cell of any method; ``loaded`` is called by those that need a checkpoint."""
    method = baselines().get(cell.method)
    return (run_adapted if method is None else method.run)(cell, target, loaded)
