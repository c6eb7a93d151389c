"""The ways to get a tagger from a support, by name: their settings, and how a cell is done.

This is the one place where methods are told apart. A new baseline is an entry of
:data:`BASELINES`; a way to make a tagger of the support is an entry of :data:`MADE`, which an
algorithm's ``tune`` in :mod:`fewshot_metalstm.meta.registry` may name for its checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fewshot_metalstm.adapt.baselines import with_others
from fewshot_metalstm.adapt.cell import SCRATCH, CellResult
from fewshot_metalstm.adapt.finetune import AdaptConfig, check
from fewshot_metalstm.adapt.policy import AUTO
from fewshot_metalstm.adapt.prototypes import (
    PROTOTYPES,
    after_prototypes,
    check_prototypes,
)
from fewshot_metalstm.adapt.settings import AdaptRunSettings
from fewshot_metalstm.adapt.work import Loaded, Method, checked
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.kind import Support
from fewshot_metalstm.kinds.tagging.adapt.baselines import run_crf, run_spacy, run_transformer
from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingCell, run_cell
from fewshot_metalstm.kinds.tagging.adapt.crf_baseline import check_crf
from fewshot_metalstm.kinds.tagging.adapt.from_support import (
    NNSHOT,
    STRUCTSHOT,
    check_neighbours,
)
from fewshot_metalstm.kinds.tagging.adapt.self_training import (
    NO_TEXT,
    check_self_training,
    no_use,
    unlabelled_of,
)
from fewshot_metalstm.kinds.tagging.adapt.settings import TaggingSettings
from fewshot_metalstm.kinds.tagging.adapt.spacy_baseline import check_spacy
from fewshot_metalstm.kinds.tagging.adapt.teacher import TEXT_NEEDED, Teacher, teacher_of
from fewshot_metalstm.kinds.tagging.adapt.transformer_baseline import model_digests, settled
from fewshot_metalstm.kinds.tagging.adapt.tuning import TUNE, UNTUNED, tune_for
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.meta.registry import usual_tune

CRF = "crf"
SPACY = "spacy"
TRANSFORMER = "transformer"


def run_adapted(cell: TaggingCell, target: Task, loaded: Callable[[], Loaded]) -> CellResult:
    """Adapt a learner: the checkpoint's, or a fresh one of its sizes."""
    start = loaded()
    return run_cell(cell, start.model, target, start.table)


# Beside a checkpoint that is adapted.
BASELINES: Mapping[str, Method] = {
    SCRATCH: Method(
        lambda s, _: "all",
        lambda s: checked(s.scratch, check),
        run_adapted,
        description="the same tagger, fresh",
    ),
    CRF: Method(
        lambda s, _: "all",
        lambda s: checked(s.crf, check_crf),
        run_crf,
        checkpoint=False,
        description="a CRF on hand-made features",
    ),
    SPACY: Method(
        lambda s, _: "all",
        lambda s: checked(s.spacy, check_spacy),
        run_spacy,
        checkpoint=False,
        description="spaCy's NER",
    ),
    TRANSFORMER: Method(
        lambda s, _: "all",
        lambda s: settled(s.transformer),  # a worker may be in another folder
        run_transformer,
        checkpoint=False,
        files=lambda s: model_digests(s.transformer),
        description="fine-tune the encoder of transformer.model",
    ),
}


def baselines() -> Mapping[str, Method]:
    """The baselines of tagging, those of other packages too."""
    return with_others("tagging", BASELINES)


def _neighbours(settings: TaggingSettings) -> Any:
    return checked(settings.neighbours, check_neighbours)


# What makes a tagger of the support, by what --tune says.
MADE: Mapping[str, Method] = {
    PROTOTYPES: Method(
        lambda s, name: tune_for(after_prototypes(s), name),
        lambda s: checked(s.prototypes, check_prototypes),
        run_adapted,
    ),
    NNSHOT: Method(lambda s, _: NNSHOT, _neighbours, run_adapted),
    STRUCTSHOT: Method(lambda s, _: STRUCTSHOT, _neighbours, run_adapted),
}
ADAPTED = Method(
    lambda s, name: tune_for(s.tune, name), lambda s: checked(s.adapt, check), run_adapted
)


def method_of(name: str) -> Method:
    """The method of a cell: a baseline, or the algorithm of the checkpoint that it adapts."""
    return baselines().get(name) or MADE.get(usual_tune(name), ADAPTED)


def _chosen(name: str, settings: TaggingSettings) -> Method:
    """The method of a cell, which may be another than its checkpoint's algorithm asks for."""
    known = baselines()
    if name in known:
        return known[name]
    tune_for(settings.tune, name)  # refuses what cannot be
    if usual_tune(name) in (NNSHOT, STRUCTSHOT) and settings.tune in TUNE:
        return ADAPTED
    return MADE.get(settings.tune) or method_of(name)


def make_cell(
    name: str, settings: TaggingSettings, draw: int, support: tuple[int, ...],
    save: Path | None = None, *, score: bool = True,
    unlabelled: tuple[tuple[str, ...], ...] = (), teacher: Teacher | None = None,
) -> TaggingCell:  # fmt: skip
    """The cell of a method on one support.

    Args:
        name: a baseline, or the algorithm of the checkpoint.
        unlabelled: sentences for self-training, which a method without a learner to tune has no
            use for.
        teacher: who tags them; None: the learner itself.

    Raises:
        UserError: settings that mean nothing, or a package that is not installed.
    """
    method = _chosen(name, settings)
    config = method.config(settings)
    tune = method.tune(settings, name)
    tuned = isinstance(config, AdaptConfig) and tune not in UNTUNED
    return TaggingCell(
        name, draw, settings.seed, support, tune, config, save, score,
        unlabelled if tuned else (), settings.self_training,
        AUTO if name in baselines() else settings.recipe,
        # What is compared with a checkpoint learns from no other.
        None if name in baselines() or not tuned else teacher,
    )  # fmt: skip


def make_cells(
    names: Sequence[str], target: Task, settings: TaggingSettings, supports: Sequence[Support],
    draws: Sequence[int], save: Path | None,
) -> tuple[list[TaggingCell], tuple[str, ...]]:  # fmt: skip
    """See :meth:`fewshot_metalstm.kinds.kind.Kind.make_cells`."""
    text, teacher = NO_TEXT, None
    notes: tuple[str, ...] = ()
    if settings.teacher and not settings.unlabelled:
        raise UserError(f"teacher {settings.teacher}: {TEXT_NEEDED}")
    if settings.unlabelled:
        check_self_training(settings.self_training)
        if settings.tune in UNTUNED:  # refused before any text is read
            raise UserError(no_use(settings.tune))
        text = unlabelled_of(target, settings.unlabelled)
        if settings.teacher:
            teacher, notes = teacher_of(settings.teacher, target)
    score = settings.score if isinstance(settings, AdaptRunSettings) else True
    found = [
        text.for_support(target, s.indices, settings.self_training, settings.seed, d)
        for d, s in zip(draws, supports, strict=True)
    ]
    cells = [
        make_cell(
            name, settings, draw, support.indices,
            save if number == 0 and at == 0 else None, score=score, unlabelled=found[at],
            teacher=teacher,
        )
        for number, name in enumerate(names)
        for at, (draw, support) in enumerate(zip(draws, supports, strict=True))
    ]  # fmt: skip
    # What auto stands for is known of a cell alone. Baselines do without the text.
    for cell in cells:
        if settings.unlabelled and not cell.unlabelled and cell.method not in baselines():
            raise UserError(no_use(cell.tune))
    return cells, (*text.notes, *notes)


def do_cell(cell: TaggingCell, target: Task, loaded: Callable[[], Loaded]) -> CellResult:
    """Do a cell of any method; ``loaded`` is called by those that need a checkpoint."""
    return method_of(cell.method).run(cell, target, loaded)
