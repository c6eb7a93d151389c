"""The kinds of task that there are, by name: those of this package and of others.

A kind of this package is a line of :data:`BUILT_IN`. Another package adds one with an entry point
of the group ``fewshot_metalstm.kinds`` that loads an instance of
:class:`~fewshot_metalstm.kinds.kind.Kind`. Nothing here imports a kind before it is needed.
"""

from __future__ import annotations

import difflib
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fewshot_metalstm import entry_points
from fewshot_metalstm.data.splits import is_list, listed
from fewshot_metalstm.declarations import DEFAULT_KIND
from fewshot_metalstm.errors import UserError, at

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.kind import Kind

GROUP = "fewshot_metalstm.kinds"
_WHAT = "kind of task"


@dataclass(frozen=True)
class Command:
    """A command of the command line: where it is (``package.module:attribute``), and its help."""

    target: str
    help: str


@dataclass(frozen=True)
class KindEntry:
    """What is known of a kind before it is imported.

    ``where`` is ``package.module:attribute``, and so are ``target_options`` (a function that adds
    to a click command the options for reading a target of the user's own) and ``predict_options``
    (those of ``predict``). ``commands`` are those that only this kind has; ``tasks audit`` is the
    command ``audit`` of the group ``tasks``.
    """

    description: str
    where: str
    target_options: str = ""
    predict_options: str = ""
    commands: Mapping[str, Command] = field(default_factory=dict)


_CLASSIFICATION = "fewshot_metalstm.kinds.classification"
_FORECASTING = "fewshot_metalstm.kinds.forecasting"
_LANGUAGE_MODEL = "fewshot_metalstm.kinds.language_model"
_TAGGING = "fewshot_metalstm.kinds.tagging"
_TRANSLATION = "fewshot_metalstm.kinds.translation"
BUILT_IN: Mapping[str, KindEntry] = {
    "tagging": KindEntry(
        "entities in text", f"{_TAGGING}.kind:TAGGING",
        f"{_TAGGING}.cli.target_options:target_options",
        f"{_TAGGING}.cli.predict:predict_options",
        {
            "annotate": Command(
                f"{_TAGGING}.cli.annotate:annotate",
                "Annotate text in the browser; a tagger learns meanwhile.",
            ),
            "check": Command(
                f"{_TAGGING}.cli.check:check", "Look annotated text over, and say what to mend."
            ),
            "demo": Command(
                f"{_TAGGING}.cli.demo:demo",
                "Meta-train and adapt on the synthetic suite; needs no download.",
            ),
            "convert": Command(
                f"{_TAGGING}.cli.convert:convert", "Write annotated text in another format."
            ),
            "label-studio": Command(
                f"{_TAGGING}.cli.label_studio:label_studio",
                "Serve a model to Label Studio, and adapt to what is submitted there.",
            ),
            "pack": Command(
                f"{_TAGGING}.cli.pack:pack",
                "Make a checkpoint small enough to ship, with its card.",
            ),
            "suggest": Command(
                f"{_TAGGING}.cli.suggest:suggest", "Pick the next sentences or texts to annotate."
            ),
            "tag-corpus": Command(
                f"{_TAGGING}.cli.tag_corpus:tag_corpus",
                "Tag PubMed-size text: PubMed XML, JSONL or plain files; resumes.",
            ),
            "tasks audit": Command(
                f"{_TAGGING}.cli.audit:audit", "Audit the overlap of a suite with a target."
            ),
            "tasks map": Command(
                f"{_TAGGING}.cli.task_map:task_map",
                "Map which source task of a checkpoint helps which target.",
            ),
            "view": Command(
                f"{_TAGGING}.cli.view:view", "Write a page of text as a model reads it."
            ),
        },
    ),
    "classification": KindEntry(
        "texts with one label each", f"{_CLASSIFICATION}.kind:CLASSIFICATION",
        f"{_CLASSIFICATION}.cli.options:target_options",
        f"{_CLASSIFICATION}.cli.options:predict_options",
        {
            "pack": Command(
                f"{_CLASSIFICATION}.cli.pack:pack", "Make a checkpoint small, with its card."
            ),
            "suggest": Command(
                f"{_CLASSIFICATION}.cli.suggest:suggest", "Pick the next texts worth labelling."
            ),
            "view": Command(
                f"{_CLASSIFICATION}.cli.view:view", "Write a page of texts as a classifier reads."
            ),
        },
    ),
    "digits": KindEntry(
        "handwritten digits, row by row", "fewshot_metalstm.kinds.digits.kind:DIGITS"
    ),
    "forecasting": KindEntry(
        "the next day of an hourly series", f"{_FORECASTING}.kind:FORECASTING",
        f"{_FORECASTING}.cli.options:target_options",
        f"{_FORECASTING}.cli.options:predict_options",
        {
            "pack": Command(
                f"{_FORECASTING}.cli.pack:pack", "Make a checkpoint small, with its card."
            ),
            "view": Command(
                f"{_FORECASTING}.cli.view:view", "Write a page of series and their forecasts."
            ),
        },
    ),
    "language-model": KindEntry(
        "the next character of a text", f"{_LANGUAGE_MODEL}.kind:LANGUAGE_MODEL",
        predict_options=f"{_LANGUAGE_MODEL}.cli.options:predict_options",
    ),
    "translation": KindEntry(
        "sentences into another language", f"{_TRANSLATION}.kind:TRANSLATION",
        predict_options=f"{_TRANSLATION}.cli.options:predict_options",
        commands={
            "view": Command(
                f"{_TRANSLATION}.cli.view:view", "Write a page of sentences and translations."
            ),
        },
    ),
}  # fmt: skip


def names() -> tuple[str, ...]:
    """The names of all kinds, this package's first."""
    return (*BUILT_IN, *entry_points.registered(GROUP, _WHAT, BUILT_IN))


def kind(name: str) -> Kind:
    """The kind of a name.

    Raises:
        UserError: there is none, or the package that registers it is broken.
    """
    from fewshot_metalstm.kinds.kind import Kind

    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].where.partition(":")
        found: Kind = getattr(importlib.import_module(module), attribute)
        return found
    points = entry_points.registered(GROUP, _WHAT, BUILT_IN)
    if name not in points:
        near = difflib.get_close_matches(name, names(), n=1)
        cure = f"did you mean {near[0]}?" if near else f"there are {', '.join(names())}"
        raise UserError(f"there is no kind of task {name!r}; {cure}")
    loaded = entry_points.load(points[name], _WHAT)
    if not isinstance(loaded, Kind):
        problem = f"it is no Kind but of the type {type(loaded).__name__}"
        raise entry_points.broken(points[name], _WHAT, problem)
    return loaded


def descriptions() -> dict[str, str]:
    """One line for each kind, by name."""
    own = {name: entry.description for name, entry in BUILT_IN.items()}
    return own | {name: kind(name).description for name in names() if name not in own}


def of_suite(name: str) -> Kind:
    """The kind of a suite, declared or a kind's own; a :class:`UserError` naming them otherwise."""
    from fewshot_metalstm.data.suites import load_suites

    declared = load_suites(kind=None)
    if name in declared:
        return kind(declared[name].kind)
    every = [kind(each) for each in names()]
    for each in every:
        if name in each.suites():
            return each
    known = ", ".join([*declared, *(suite for each in every for suite in each.suites())])
    raise UserError(f"there is no suite {name}; the suites are {known}")


def of_target(source: str, given: str | None = None) -> Kind:
    """The kind of a target: as ``given``, by its declared name, or by the look of its files.

    Args:
        source: a name, a path, or what else a kind reads.

    Raises:
        UserError: files that look like two kinds, or a pipe: a look would take what is in it.
    """
    if given is not None:
        return kind(given)
    every = {name: kind(name) for name in names()}
    known = [name for name, each in every.items() if each.knows(source)]
    if not known:
        looked_at = first_file(source)
        if looked_at is not None:
            if looked_at.exists() and not (looked_at.is_file() or looked_at.is_dir()):
                raise at(
                    looked_at, None, "is no file but a pipe or a device, which can be read once",
                    "say what it holds with --kind, or give a file",
                )  # fmt: skip
            known = [name for name, each in every.items() if each.recognises(looked_at)]
    if len(known) > 1:
        raise UserError(f"{source}: may be {' or '.join(known)}; say which with --kind")
    # A name that nobody knows is for tagging to refuse: its message names the nearest corpora.
    return every[known[0] if known else DEFAULT_KIND]


def first_file(source: str) -> Path | None:
    """The file or folder by whose look a source is known: itself, or the first that it lists.

    A kind may have names for several files in one, such as translation's two: where none of what
    is listed is there, the first stands for it as it was written.
    """
    path = Path(source)
    if path.exists():
        return path
    if not is_list(source):
        return None
    files = list(listed(source)[1].values())
    return next((file for file in files if file.exists()), files[0])


def of_model(folder: Path) -> Kind:
    """The kind of the model in ``folder``; of what is none, tagging, which says what is wrong."""
    try:
        stored = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        name = stored.get("task_kind", DEFAULT_KIND)
    except (OSError, ValueError, AttributeError):
        name = DEFAULT_KIND
    return kind(str(name))
