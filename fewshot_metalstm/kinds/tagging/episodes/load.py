"""Loading the tasks of a suite and of a target, with the protocol's rules of exclusion applied.

Nothing that a target may be scored on can reach meta-training or meta-validation through
:func:`load_suite_tasks`: the tasks that it returns hold only the split that episodes come from,
without the families and sentences that the rules keep out. What was kept out is in the report.
"""

from __future__ import annotations

import gc
import logging
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fewshot_metalstm.data.suites import (
    Suite,
    TaskSpec,
    load_suite,
    load_targets,
    task_name,
)
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.sentence import Corpus, TokenLabels
from fewshot_metalstm.kinds.tagging.episodes.exclusion import (
    Removal,
    banned_keys,
    family_members,
    keys,
    only,
    without,
)
from fewshot_metalstm.kinds.tagging.episodes.sampling import sentence_key
from fewshot_metalstm.kinds.tagging.episodes.source import (
    CorpusSource,
    InstalledCorpora,
    demo_families,
    no_split,
)
from fewshot_metalstm.kinds.tagging.episodes.task import Task

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What the rules of exclusion did to a suite.

    ``targets`` are those whose rules were applied, ``absent`` those whose text was not at hand:
    of an absent target only the family, as the catalogue knows it, could be kept out.
    ``left_out`` are the tasks of a target's family, ``removals`` the sentences taken from others.
    """

    suite: str
    targets: tuple[str, ...]
    absent: tuple[str, ...]
    left_out: tuple[str, ...]
    removals: tuple[Removal, ...]

    def summary(self) -> tuple[str, ...]:
        """The report in a few lines; :meth:`lines` has every removal."""
        if not self.removals:
            return self._heading()
        removed = sum(r.removed for r in self.removals)
        return (
            *self._heading(),
            f"{removed} sentences removed from {len(self.removals)} splits: equal to a sentence "
            "of a target's test split or, in validation, of a meta-train split",
        )

    def lines(self) -> tuple[str, ...]:
        """The report as text, one fact a line."""
        return (
            *self._heading(),
            *(
                f"{r.task} ({r.split}): {r.removed} of {r.sentences} sentences removed, {r.reason}"
                for r in self.removals
            ),
        )

    def _heading(self) -> tuple[str, ...]:
        lines = [f"suite {self.suite}: exclusion applied for {', '.join(self.targets) or 'none'}"]
        if self.absent:
            lines.append(
                f"not at hand, so that their test sentences could not be excluded: "
                f"{', '.join(self.absent)}"
            )
        if self.left_out:
            lines.append(f"left out as a target's family: {', '.join(self.left_out)}")
        return tuple(lines)


@dataclass(frozen=True, slots=True)
class LoadedSuite:
    """A suite's tasks with their text.

    The corpora of ``train`` hold a ``train`` split and nothing else, those of ``validation`` a
    ``devel`` split and nothing else. ``text`` are the distinct sentences of the meta-train
    corpora, all splits, without tags and without those of a target's test split.
    """

    name: str
    train: tuple[Task, ...]
    validation: tuple[Task, ...]
    report: LoadReport
    text: tuple[tuple[str, ...], ...] = ()
    synthetic: bool = False


@contextmanager
def no_collection() -> Iterator[None]:
    """No search for reference cycles meanwhile.

    A corpus is hundreds of thousands of tuples without a cycle, and the collector would look
    through those that are there again and again while the others are made.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@no_collection()
def load_suite_tasks(
    suite_name: str,
    *,
    data_dir: Path | str | None = None,
    exclude_targets: Iterable[Task | Corpus | str] = (),
    source: CorpusSource | None = None,
    suite: Suite | None = None,
) -> LoadedSuite:
    """Load the meta-train and meta-validation tasks of a suite.

    The rules of exclusion are applied for ``exclude_targets`` and for those that the suite
    declares (for ``bionlp`` every official target that is at hand, so that one checkpoint is
    valid for all). ``source`` and ``suite`` replace the reading of corpora and of the
    declaration. Raises :class:`UserError` for an unknown suite, an absent corpus, a suite that
    needs a target and was given none, and when nothing is left to learn from.
    """
    suite = suite or load_suite(suite_name)
    given = tuple(exclude_targets)
    if suite.exclude == "given" and not given:
        raise UserError(
            f"suite {suite.name} leaves the target's family out and was given no target; "
            "name the target that the checkpoint is for"
        )
    source = source or InstalledCorpora(data_dir)
    targets, absent = _targets(suite, given, source)
    families = {target.family for target in targets} | {source.family(name) for name in absent}
    kept = [spec for spec in suite.tasks if source.family(spec.corpus) not in families]
    if not kept:
        raise UserError(
            f"suite {suite.name} has no task outside the families of its targets; "
            "exclude fewer targets or choose another suite"
        )
    kept_validation = [s for s in suite.validation if source.family(s.corpus) not in families]
    dropped = [s for s in (*suite.tasks, *suite.validation) if s not in {*kept, *kept_validation}]
    loaded = apply_rules(
        suite.name, read_tasks(kept, source), read_tasks(kept_validation, source), targets
    )
    report = replace(
        loaded.report,
        absent=absent,
        left_out=tuple(dict.fromkeys(spec.name for spec in dropped)),
    )
    return replace(loaded, report=report, synthetic=suite.synthetic)


def apply_rules(
    name: str, train: Sequence[Task], validation: Sequence[Task], targets: Sequence[Task]
) -> LoadedSuite:
    """Apply the protocol's rules to tasks in memory; the pure part of :func:`load_suite_tasks`.

    Besides the targets' families and test sentences, a validation sentence that also stands in a
    meta-train split is removed from validation: it would not be held out.
    """
    families = {target.family for target in targets}
    left_out = [task.name for task in family_members((*train, *validation), families)]
    banned = banned_keys(targets)
    reason = "equal to a sentence of a target's test split"
    removals: list[Removal | None] = []
    kept_train = []
    text: dict[tuple[str, ...], None] = {}
    for task in train:
        if task.family not in families:
            text |= dict.fromkeys(unlabelled(task, banned))
            task, removal = without(only(task, "train"), "train", banned, reason)
            removals.append(removal)
            kept_train.append(task)
    learned = frozenset().union(*(keys(task.corpus.splits["train"]) for task in kept_train))
    kept_validation = []
    for task in validation:
        if task.family not in families:
            task, removal = without(only(task, "devel"), "devel", banned, reason)
            task, repeated = without(task, "devel", learned, "equal to a meta-train sentence")
            removals += [removal, repeated]
            kept_validation.append(task)
    report = LoadReport(
        suite=name,
        targets=tuple(target.name for target in targets),
        absent=(),
        left_out=tuple(dict.fromkeys(left_out)),
        removals=tuple(removal for removal in removals if removal is not None),
    )
    return LoadedSuite(name, tuple(kept_train), tuple(kept_validation), report, tuple(text))


def unlabelled(task: Task, banned: Container[str]) -> Iterator[tuple[str, ...]]:
    """The tokens of every sentence of the task's corpus, whatever its split, that is not banned.

    The protocol lets word vectors and other unsupervised training read all text of the
    meta-train corpora; annotation is learned from their train splits alone.
    """
    for sentences in task.corpus.splits.values():
        yield from (s.tokens for s in sentences if sentence_key(s) not in banned)


def load_target(
    name_or_path: str | Path,
    *,
    data_dir: Path | str | None = None,
    types: Sequence[str] = (),
    repair: bool = False,
    scheme: str | None = None,
    format: str | None = None,
    overlaps: str = "error",
    notes: Counter[str] | None = None,
    bad_annotations: str = "error",
    unannotated: str = "skip",
    tag_column: str | None = None,
    faults: list[tuple[str, ...]] | None = None,
) -> Task:
    """Load a target: a corpus of the catalogue, of the embedded default or of the user's own.

    ``types`` chooses among its entity types (default: all); ``repair`` and ``scheme`` are those of
    :func:`fewshot_metalstm.kinds.tagging.corpora.store.load_corpus`. The user's own files may be in
    any format of :mod:`fewshot_metalstm.kinds.tagging.formats`, ``format`` or the one detected;
    ``overlaps`` is the policy for mentions that tags cannot hold, and what was changed is counted
    in ``notes``, or logged as warnings without them. ``bad_annotations`` is the policy for what is
    wrong in the user's own files (:mod:`fewshot_metalstm.kinds.tagging.corpora.bad`); to ``faults``
    a row (file, line, annotation, problem, what was done) is added for each. ``unannotated`` is
    that for text that nobody annotated, ``tag_column`` the column of the tags of the user's own
    files (of CoNLL-U, whose labels the scheme ``token`` reads, also its name). Raises
    :class:`UserError` when the corpus is absent or ill-formed, holds no entity or lacks one of
    ``types``.
    """
    if isinstance(name_or_path, str) and name_or_path in demo_families():
        return as_task(InstalledCorpora(data_dir).load(name_or_path), tuple(types))
    from fewshot_metalstm.data.locate import is_own
    from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
    from fewshot_metalstm.kinds.tagging.formats.notes import lines

    counts: Counter[str] = Counter() if notes is None else notes
    bad = BadAnnotations(bad_annotations)
    reading: dict[str, Any] = {"scheme": scheme, "repair": repair, "bad": bad}
    columns = _columns(name_or_path, scheme, tag_column, format)
    corpus = None
    if columns is None:
        corpus = _own_documents(
            name_or_path, format,
            {**reading, "overlaps": overlaps, "notes": counts, "unannotated": unannotated},
        )  # fmt: skip
    if corpus is None:
        from fewshot_metalstm.kinds.tagging.corpora.store import load_corpus

        data = Path(data_dir) if data_dir is not None else None
        corpus = load_corpus(name_or_path, data_dir=data, **reading, **(columns or {}))
        counts.update(bad.counts())
    if faults is not None:
        faults += bad.rows()
    for line in lines(counts) if notes is None else ():
        _log.warning("%s: %s", corpus.name, line)
    return as_task(corpus, tuple(types), str(name_or_path) if is_own(str(name_or_path)) else "")


def _columns(
    source: str | Path, scheme: str | None, tag_column: str | None, format: str | None
) -> dict[str, Any] | None:
    """What was asked for of the columns of a user's own files, see :func:`.columns_asked`."""
    from fewshot_metalstm.data.catalogue import Catalogue
    from fewshot_metalstm.kinds.tagging.corpora.own_files import own_files
    from fewshot_metalstm.kinds.tagging.corpora.schemes import TOKEN
    from fewshot_metalstm.kinds.tagging.formats.columns import columns_asked

    if tag_column is None and (scheme is None or scheme.strip().lower() != TOKEN):
        return None
    if isinstance(source, str) and source in Catalogue.load():
        asked = f"--scheme {scheme}" if tag_column is None else f"--tag-column {tag_column}"
        raise UserError(f"{asked}: how {source} is read is known; leave it out")
    return columns_asked(own_files(str(source))[1], scheme, tag_column, format)


def _own_documents(
    source: str | Path,
    format: str | None,
    reading: dict[str, Any],
) -> Corpus | None:
    """The user's own corpus, unless it is in columns: those are read by the store.

    ``reading`` are options of :func:`fewshot_metalstm.kinds.tagging.formats.corpus.read_corpus`.
    """
    from fewshot_metalstm.data.catalogue import Catalogue
    from fewshot_metalstm.data.locate import is_own
    from fewshot_metalstm.kinds.tagging.corpora.own_files import own_files
    from fewshot_metalstm.kinds.tagging.formats.corpus import in_columns, read_corpus

    name = str(source)
    if isinstance(source, str) and (name in Catalogue.load() or not is_own(name)):
        return None
    if in_columns(own_files(name)[1], format):
        return None
    return read_corpus(name, format=format, **reading)


def as_task(corpus: Corpus, types: tuple[str, ...] = (), path: str = "") -> Task:
    """The task of tagging ``types`` (default: all) in ``corpus``, which ``path`` was read as."""
    where = f"{path}:" if path else f"corpus {corpus.name}"
    if not corpus.types:
        raise UserError(
            f"{where} holds no entity, and a task needs at least one type; annotate "
            "some mentions, or mend the column of tags"
        )
    for name in types:
        if name not in corpus.types:
            raise UserError(
                f"{where} has no entity type {name}; its types are {', '.join(corpus.types)}"
            )
    if types and isinstance(corpus.types, TokenLabels):
        raise UserError(
            f"--type: every token of {corpus.name} has a label, and all are told apart together; "
            "leave it out"
        )
    chosen = tuple(sorted(set(types)))
    if not chosen or chosen == tuple(sorted(corpus.types)):
        return Task(corpus.name, corpus, corpus.types)
    return Task(task_name(corpus.name, chosen), corpus, chosen)


def read_tasks(specs: Sequence[TaskSpec], source: CorpusSource) -> list[Task]:
    """The tasks of some specs with all their text, no rule of exclusion applied.

    Raises :class:`UserError` for an absent corpus, type or split.
    """
    tasks = []
    for spec in specs:
        task = as_task(source.load(spec.corpus), spec.types)
        if not task.corpus.splits.get(spec.split):
            raise no_split(spec.corpus, spec.split)
        tasks.append(task)
    return tasks


def _targets(
    suite: Suite, given: Sequence[Task | Corpus | str], source: CorpusSource
) -> tuple[list[Task], tuple[str, ...]]:
    """The targets whose rules hold, with text, and the names of declared ones without text."""
    targets: dict[str, Task] = {}
    for target in given:
        task = _as_target(target, source)
        targets[task.name] = task
    declared = load_targets()
    names = {"official": declared.official, "synthetic": declared.synthetic, "given": ()}
    absent = []
    for name in names[suite.exclude]:
        if name in targets:
            continue
        if source.at_hand(name):
            targets[name] = as_task(source.load(name))
        else:
            absent.append(name)
    return list(targets.values()), tuple(absent)


def _as_target(target: Task | Corpus | str, source: CorpusSource) -> Task:
    if isinstance(target, Task):
        return target
    return as_task(target if isinstance(target, Corpus) else source.load(target))
