"""What the rest of the package knows of experiment tracking: a tracker opens runs, runs log.

The package is written against the two protocols here. With tracking off a :class:`NullTracker`
takes every call and does nothing, and MLflow is never imported.
:mod:`fewshot_metalstm.tracking.tracker` opens one.

Metric names, shared with the pictures (:mod:`fewshot_metalstm.tracking.pictures`): names that
begin with ``loss`` are losses in nats, names that end in ``f1`` are on the 0-100 scale, names
that end in ``_lr`` are learning rates, names that hold ``grad_norm`` are Euclidean norms before
clipping, ``seconds`` is wall-clock time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

NO_PARAMS: Mapping[str, object] = MappingProxyType({})
NO_TAGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class DatasetInput:
    """A corpus that a run read: shown by MLflow as a dataset of the run.

    Attributes:
        name: the corpus.
        digest: its digest in hexadecimal (SHA-256); stored whole, shown shortened.
        source: where it came from, a URL or a path.
        context: what it was used for, such as ``meta-train`` or ``target``.
        profile: sizes worth showing, such as sentences and mentions.
    """

    name: str
    digest: str
    source: str
    context: str
    profile: Mapping[str, object] = field(default_factory=dict)


class Run(Protocol):
    """One run of an experiment."""

    @property
    def id(self) -> str | None:
        """The run's identifier, to be kept in a checkpoint for ``resume_id``; None when off."""

    @property
    def resumed(self) -> bool:
        """Whether this run continues one that was in the store already."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Note metrics of one step: microseconds, written later by a thread of its own.

        ``metrics`` holds plain floats (``.item()`` of a tensor). A run that was resumed skips
        every (name, step) that the store has already, so the steps between the checkpoint and
        the interruption, computed a second time, are not logged twice.
        """

    def metrics(self, metrics: Mapping[str, float]) -> None:
        """Write final metrics at once: the figures by which runs are sorted and compared."""

    def artifact(self, path: Path | str, folder: str | None = None) -> None:
        """Copy a file, or a folder's contents, to the run's artifacts (below ``folder``)."""

    def text(self, text: str, name: str) -> None:
        """Write a text artifact called ``name``."""

    def json(self, value: object, name: str) -> None:
        """Write ``value`` as a JSON artifact called ``name``."""

    def child(
        self,
        name: str,
        *,
        params: Mapping[str, object] = NO_PARAMS,
        tags: Mapping[str, str] = NO_TAGS,
    ) -> AbstractContextManager[Run]:
        """A run nested in this one; a child has no children of its own (ValueError)."""

    def flush(self) -> None:
        """Write what :meth:`log` has noted so far."""

    def interrupted(self) -> None:
        """Let the run end as KILLED although its block ends without an exception."""


class Tracker(Protocol):
    """Opens runs of one experiment in one store."""

    @property
    def uri(self) -> str | None:
        """The tracking URI; None when tracking is off."""

    def run(
        self,
        name: str,
        *,
        params: Mapping[str, object] = NO_PARAMS,
        tags: Mapping[str, str] = NO_TAGS,
        datasets: Sequence[DatasetInput] = (),
        resume_id: str | None = None,
        folder: Path | None = None,
    ) -> AbstractContextManager[Run]:
        """A run, ended as FINISHED, as KILLED by an interrupt, or as FAILED by an exception.

        Args:
            name: what the UI shows.
            params: settings; nested mappings become dotted names. Immutable once logged: when a
                resumed run changes one, the new value is kept as a tag ``resumed.<name>``.
            tags: labels, free text.
            datasets: the corpora that are read.
            resume_id: the run to go on with. When the store does not have it, a new run is
                begun and tagged ``resumed_from``.
            folder: where its files go, which this process holds: runs of the same folder that
                still count as running were killed, and are marked so.
        """


class NullRun:
    """A run that forgets everything."""

    id: str | None = None
    resumed = False

    def __init__(self, *, nested: bool = False) -> None:
        self._nested = nested

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Do nothing."""

    def metrics(self, metrics: Mapping[str, float]) -> None:
        """Do nothing."""

    def artifact(self, path: Path | str, folder: str | None = None) -> None:
        """Do nothing."""

    def text(self, text: str, name: str) -> None:
        """Do nothing."""

    def json(self, value: object, name: str) -> None:
        """Do nothing."""

    @contextmanager
    def child(
        self,
        name: str,
        *,
        params: Mapping[str, object] = NO_PARAMS,
        tags: Mapping[str, str] = NO_TAGS,
    ) -> Iterator[Run]:
        """A nested run that forgets everything."""
        if self._nested:  # the same rule as a real run, so that tests without MLflow see it
            raise ValueError(f"{name}: a nested run has no nested runs of its own")
        yield NullRun(nested=True)

    def flush(self) -> None:
        """Do nothing."""

    def interrupted(self) -> None:
        """Do nothing."""


class NullTracker:
    """Tracking turned off."""

    uri: str | None = None

    @contextmanager
    def run(
        self,
        name: str,
        *,
        params: Mapping[str, object] = NO_PARAMS,
        tags: Mapping[str, str] = NO_TAGS,
        datasets: Sequence[DatasetInput] = (),
        resume_id: str | None = None,
        folder: Path | None = None,
    ) -> Iterator[Run]:
        """A run that forgets everything."""
        yield NullRun()
