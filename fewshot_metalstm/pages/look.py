"""A closer look at one adapted model, as its kind of task gives it to a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup


@dataclass(frozen=True)
class Picture:
    """A picture of a report: a name for its file, what it shows, and how it is drawn."""

    name: str
    caption: str
    draw: Callable[[Path], Path]


@dataclass(frozen=True)
class LookPart:
    """A part of a look. Those of one ``id`` stand together in a report, model after model.

    ``title`` heads them and ``intro`` explains them, once; ``html`` is escaped already.
    """

    id: str
    title: str
    intro: str
    html: Markup
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Look:
    """What a model does on a split that it was not adapted to.

    ``text`` is what the split is called, ``facts`` are what ``--json`` has of it.
    """

    folder: Path
    text: str
    parts: tuple[LookPart, ...]
    facts: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The model by its run."""
        return self.folder.parent.name


def relative(path: Path) -> str:
    """A path as short as it can be from here."""
    import os

    short = os.path.relpath(path)
    return short if not short.startswith("..") else str(path)
