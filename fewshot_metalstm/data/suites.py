"""Suites and targets as declared in YAML: which tasks exist, without loading any text.

A suite file names its meta-train tasks, its meta-validation tasks and whose exclusion rules
apply to it; with ``extends: NAME`` those of another suite come before its own. Loading the text
is :mod:`fewshot_metalstm.kinds.tagging.episodes.load`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewshot_metalstm import declarations
from fewshot_metalstm.declarations import DEFAULT_KIND
from fewshot_metalstm.errors import UserError, at

TARGETS_FILE = "targets.yaml"
EXCLUDE_RULES = ("official", "synthetic", "given")
SUITE_KEYS = frozenset(
    {
        "name", "extends", "description", "synthetic", "exclude", "tasks", "validation", "kind",
        "corpus",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A task before its text is read.

    ``types`` are the entity types to tag; empty means every type of the corpus. ``split`` is
    the split that its episodes come from.
    """

    corpus: str
    types: tuple[str, ...] = ()
    split: str = "train"

    @property
    def name(self) -> str:
        """The corpus, and the types when they are a choice among several."""
        return task_name(self.corpus, self.types)


@dataclass(frozen=True, slots=True)
class Suite:
    """A named set of meta-train tasks with its meta-validation tasks.

    ``exclude`` says for which targets the rules of exclusion hold: ``official`` (all official
    targets), ``synthetic`` (the targets of the embedded default) or ``given`` (the caller must
    name them). ``kind`` is the kind of its tasks. ``corpus`` is the one corpus that all tasks are
    made of, where their names are not those of corpora; empty otherwise. ``extends`` is the suite
    whose tasks come before its own (they are among ``tasks``), or empty.
    """

    name: str
    tasks: tuple[TaskSpec, ...]
    validation: tuple[TaskSpec, ...]
    synthetic: bool
    description: str
    exclude: str = "official"
    kind: str = DEFAULT_KIND
    corpus: str = ""
    extends: str = ""

    @property
    def corpora(self) -> tuple[str, ...]:
        """Names of the corpora that the suite needs, each once, in the declared order."""
        if self.corpus:
            return (self.corpus,)
        return tuple(dict.fromkeys(spec.corpus for spec in (*self.tasks, *self.validation)))


@dataclass(frozen=True, slots=True)
class Targets:
    """Held-out tasks of a kind: the official ones and those of the embedded synthetic default."""

    official: tuple[str, ...]
    synthetic: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Official targets first, then the synthetic ones."""
        return (*self.official, *self.synthetic)


def task_name(corpus: str, types: tuple[str, ...] = ()) -> str:
    """``corpus`` or ``corpus:type+type`` for a choice of its types."""
    return f"{corpus}:{'+'.join(types)}" if types else corpus


def load_suites(folder: Path | None = None, kind: str | None = DEFAULT_KIND) -> dict[str, Suite]:
    """Read the declared suites of a kind (None: of every kind), by name in sorted order.

    ``folder`` holds the YAML files (default: ``suites`` of the package's declarations). Raises
    :class:`UserError` for an ill-formed file.
    """
    folder = folder or declarations.folder() / "suites"
    files = [path for path in sorted(folder.glob("*.yaml")) if path.name != TARGETS_FILE]
    declared = [(path, _mapping(path)) for path in files]
    suites: dict[str, Suite] = {}
    # Those that stand alone come first, so that each that extends one finds it.
    for path, data in sorted(declared, key=lambda pair: "extends" in pair[1]):
        suite = _suite(path, data, _extended(path, data, suites))
        if suite.name in suites:
            raise UserError(f"{path}: suite {suite.name} is declared twice; rename one")
        suites[suite.name] = suite
    return {name: suites[name] for name in sorted(suites) if kind in (None, suites[name].kind)}


def load_suite(name: str, folder: Path | None = None, kind: str | None = DEFAULT_KIND) -> Suite:
    """One suite by name; raises :class:`UserError` naming those that exist."""
    suites = load_suites(folder, kind)
    if name not in suites:
        raise UserError(f"there is no suite {name}; the suites are {', '.join(suites)}")
    return suites[name]


def load_targets(folder: Path | None = None, kind: str = DEFAULT_KIND) -> Targets:
    """Read the declared targets of a kind; raises :class:`UserError` for an ill-formed file."""
    path = (folder or declarations.folder() / "suites") / TARGETS_FILE
    data = _mapping(path)
    further = data.get("kinds") or {}
    if not isinstance(further, dict) or not all(isinstance(v, dict) for v in further.values()):
        raise at(path, None, "kinds is not a mapping", "write each kind with its official targets")
    if kind != DEFAULT_KIND:
        data = further.get(kind) or {}
    unknown = set(data) - {"official", "synthetic", "kinds"}
    if unknown:
        raise at(path, None, f"unknown key {min(unknown)}", "use official and synthetic")
    return Targets(_names(path, data, "official"), _names(path, data, "synthetic"))


def kept_out(suite: Suite, exclude: Sequence[str], kind: str) -> tuple[str, ...]:
    """The targets that a suite's tasks may have nothing of, where targets are what suites hold.

    With the rule ``official`` these are the official targets that are no task of the suite
    itself: every domain or region is a target, and a fold learns from those that are not its own.
    """
    own = {spec.corpus for spec in suite.tasks}
    official = load_targets(kind=kind).official if suite.exclude == "official" else ()
    return tuple(dict.fromkeys((*(name for name in official if name not in own), *exclude)))


def _extended(path: Path, data: Mapping[str, Any], suites: Mapping[str, Suite]) -> Suite | None:
    """The suite that this one extends, of its kind and standing alone; None where it does."""
    if "extends" not in data:
        return None
    kind = data.get("kind", DEFAULT_KIND)
    alone = {n: suite for n, suite in suites.items() if not suite.extends and suite.kind == kind}
    if data["extends"] not in alone:
        raise at(
            path,
            None,
            f"extends {data['extends']}, which is no suite of {kind} that stands alone",
            f"use one of {', '.join(alone)}" if alone else "name the tasks",
        )
    return alone[data["extends"]]


def _suite(path: Path, data: Mapping[str, Any], extended: Suite | None) -> Suite:
    unknown = set(data) - SUITE_KEYS
    if unknown:
        raise at(path, None, f"unknown key {min(unknown)}", f"use {', '.join(sorted(SUITE_KEYS))}")
    for key in ("name", "tasks"):
        if not data.get(key):
            raise at(path, None, f"{key} is missing", "add it")
    exclude = data.get("exclude", "official")
    if exclude not in EXCLUDE_RULES:
        raise at(path, None, f"exclude is {exclude!r}", f"use one of {', '.join(EXCLUDE_RULES)}")
    tasks = _specs(path, data["tasks"], "train", ())
    validation = _specs(path, data.get("validation") or [], "devel", tasks)
    if extended is not None:
        tasks, validation = extended.tasks + tasks, extended.validation + validation
    for specs, key in ((tasks, "tasks"), (validation, "validation")):
        names = [(spec.name, spec.split) for spec in specs]
        if len(set(names)) < len(names):
            twice = next(name for name, _ in names if names.count((name, _)) > 1)
            raise at(path, None, f"{twice} stands twice under {key}", "name it once")
    return Suite(
        name=str(data["name"]),
        tasks=tasks,
        validation=validation,
        synthetic=bool(data.get("synthetic", False)),
        description=str(data.get("description", "")),
        exclude=str(exclude),
        kind=str(data.get("kind", DEFAULT_KIND)),
        corpus=str(data.get("corpus", "")),
        extends=extended.name if extended else "",
    )


def _specs(
    path: Path, entries: object, split: str, tasks: tuple[TaskSpec, ...]
) -> tuple[TaskSpec, ...]:
    """Specs of a list; the entry ``tasks`` stands for all meta-train tasks, on ``split``."""
    if not isinstance(entries, list):
        raise at(path, None, "tasks and validation must be lists", "write one task a line")
    specs: list[TaskSpec] = []
    for entry in entries:
        if entry == "tasks" and tasks:
            specs += [TaskSpec(spec.corpus, spec.types, split) for spec in tasks]
        elif isinstance(entry, str):
            specs.append(TaskSpec(entry, split=split))
        elif isinstance(entry, dict) and set(entry) <= {"corpus", "types"} and "corpus" in entry:
            types = tuple(sorted(str(name) for name in entry.get("types") or ()))
            specs.append(TaskSpec(str(entry["corpus"]), types, split))
        else:
            raise at(
                path,
                None,
                f"cannot read the task {entry!r}",
                "give a corpus name, or corpus and types",
            )
    return tuple(specs)


def _mapping(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        data = declarations.read_yaml(path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise at(path, None, f"cannot be read ({reason})", "mend or restore the file") from error
    if not isinstance(data, dict):
        raise at(path, None, "is not a YAML mapping", "write keys and values")
    return data


def _names(path: Path, data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    names = data.get(key) or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise at(path, None, f"{key} is not a list of names", "write one corpus name a line")
    return tuple(names)
