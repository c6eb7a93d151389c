"""What there is to meta-train on and to be scored on: sizes, types and families, as plain rows.

None of it needs the data themselves: the declarations and the catalogue say what there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from fewshot_metalstm.data import locate
from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.data.draws import count_draws
from fewshot_metalstm.data.splits import SPLITS
from fewshot_metalstm.data.suites import Suite, load_suites, load_targets


class KnownCorpora(Protocol):
    """What a kind knows of its corpora, by name, whether or not they are on this machine."""

    def at_hand(self, name: str) -> bool:
        """Whether its files are on this machine, or it needs none."""

    def family(self, name: str) -> str:
        """Its family: the documents that it was made of, or what else may be on one side alone."""

    def types(self, name: str) -> tuple[str, ...]:
        """Its entity types or classes."""

    def size(self, name: str, split: str) -> tuple[int | None, int | None]:
        """How many items and mentions a split has; None for what is not known."""


class CataloguedCorpora:
    """The corpora of a kind as the catalogue has them, looked for in ``data_dir`` first."""

    def __init__(self, kind: str, data_dir: Path | None = None) -> None:
        self._catalogue = Catalogue.load(kind=kind)
        self._data_dir = data_dir

    def at_hand(self, name: str) -> bool:
        """See :class:`KnownCorpora`."""
        return locate.find(self._catalogue[name], self._data_dir) is not None

    def family(self, name: str) -> str:
        """See :class:`KnownCorpora`."""
        return self._catalogue[name].family

    def types(self, name: str) -> tuple[str, ...]:
        """See :class:`KnownCorpora`."""
        return self._catalogue[name].types

    def size(self, name: str, split: str) -> tuple[int | None, int | None]:
        """See :class:`KnownCorpora`."""
        file = self._catalogue[name].files.get(split)
        return (None, None) if file is None else (file.size, file.mentions)


@dataclass(frozen=True, slots=True)
class SuiteRow:
    """One suite; ``at_hand`` counts those of its ``corpora`` whose files are on this machine."""

    name: str
    kind: str
    description: str
    synthetic: bool
    exclude: str
    tasks: int
    validation: int
    corpora: int
    at_hand: int

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One target; ``sizes`` are the items of each split as the catalogue counted them."""

    name: str
    kind: str
    family: str
    types: tuple[str, ...]
    sizes: Mapping[str, int | None]
    synthetic: bool
    frozen_draws: int
    at_hand: bool

    def as_dict(self, items: str) -> dict[str, Any]:
        """As ``--json`` prints it, with the sizes under the name of the kind's items."""
        return _named(asdict(self), "sizes", items)


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task of a suite, before any rule of exclusion; None where a size is not known."""

    role: str
    name: str
    family: str
    split: str
    types: tuple[str, ...]
    size: int | None
    mentions: int | None
    at_hand: bool

    def as_dict(self, items: str) -> dict[str, Any]:
        """As ``--json`` prints it, with the size under the name of the kind's items."""
        return _named(asdict(self), "size", items)


@dataclass(frozen=True, slots=True)
class SplitRow:
    """One split of a task that was read: as ``--json`` prints it, and as a table shows it."""

    record: Mapping[str, Any]
    cells: Mapping[str, object]  # by the heading of their column


def suite_rows(corpora: KnownCorpora, kind: str) -> tuple[SuiteRow, ...]:
    """Every declared suite of a kind."""
    return tuple(
        SuiteRow(
            name=suite.name,
            kind=kind,
            description=suite.description,
            synthetic=suite.synthetic,
            exclude=suite.exclude,
            tasks=len(suite.tasks),
            validation=len(suite.validation),
            corpora=len(suite.corpora),
            at_hand=sum(corpora.at_hand(name) for name in suite.corpora),
        )
        for suite in load_suites(kind=kind).values()
    )


def target_rows(corpora: KnownCorpora, kind: str) -> tuple[TargetRow, ...]:
    """Every declared target of a kind, the official ones first."""
    targets = load_targets(kind=kind)
    return tuple(
        TargetRow(
            name=name,
            kind=kind,
            family=corpora.family(name),
            types=corpora.types(name),
            sizes={split: corpora.size(name, split)[0] for split in SPLITS},
            synthetic=name in targets.synthetic,
            frozen_draws=count_draws(name),
            at_hand=corpora.at_hand(name),
        )
        for name in targets.all
    )


def task_rows(suite: Suite, corpora: KnownCorpora) -> tuple[TaskRow, ...]:
    """The tasks of a suite; mentions of a choice of types are not counted."""
    return tuple(
        TaskRow(
            role=role,
            name=spec.name,
            family=corpora.family(spec.corpus),
            split=spec.split,
            types=spec.types or corpora.types(spec.corpus),
            size=corpora.size(spec.corpus, spec.split)[0],
            mentions=None if spec.types else corpora.size(spec.corpus, spec.split)[1],
            at_hand=corpora.at_hand(spec.corpus),
        )
        for role, specs in (("meta-train", suite.tasks), ("meta-validation", suite.validation))
        for spec in specs
    )


def _named(record: dict[str, Any], field: str, name: str) -> dict[str, Any]:
    """``record`` with a field under another name, in its place."""
    return {name if key == field else key: value for key, value in record.items()}
