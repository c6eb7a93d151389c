"""The grid of a sweep: every combination of target, shots, method and draw is a cell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fewshot_metalstm.adapt.settings import META, SweepSettings
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.kind import Kind

# What a checkpoint's method may say of itself.
TUNE, UNLABELLED, TEACHER = "tune", "unlabelled", "teacher"
TRAIN = "train"  # the text of a target's own train split, without its annotation
_OWN = re.compile(rf":({TUNE}|{UNLABELLED}|{TEACHER})=")
_NAME = re.compile(r"[\w.+-]+")
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


@dataclass(frozen=True)
class Entry:
    """A method of a sweep: ``meta``, a baseline, or a checkpoint under a name of its own.

    ``tune`` is what of the checkpoint is adapted, where the method says so itself; with
    ``unlabelled`` it is adapted once more, with the text of each target's train split, which
    ``teacher`` tags where there is one.
    """

    name: str
    checkpoint: Path | None = None
    tune: str | None = None
    unlabelled: bool = False
    teacher: str = ""
    baseline: bool = False  # whether it adapts no checkpoint


@dataclass(frozen=True, order=True)
class Key:
    """Which cell of the grid."""

    target: str
    shots: int
    method: str
    draw: int

    @property
    def name(self) -> str:
        """A name for the cell's file."""
        return f"{self.target}-{self.shots}-{self.method}-{self.draw}".replace("/", "_")

    def __str__(self) -> str:
        return f"{self.target}, {self.shots or 'all'} shots, {self.method}, draw {self.draw}"


def distinct(config: SweepSettings) -> SweepSettings:
    """The settings with each number of shots and each draw once, in the order given.

    Raises:
        UserError: shots, methods or draws are empty.
    """
    for axis in ("shots", "methods", "draws"):
        if not getattr(config, axis):
            raise UserError(f"{axis} is empty, so that there is nothing to do; give --{axis}")
    return replace(
        config, shots=tuple(dict.fromkeys(config.shots)), draws=tuple(dict.fromkeys(config.draws))
    )


def grid(kind: Kind, config: SweepSettings, targets: tuple[str, ...]) -> tuple[Key, ...]:
    """The cells of a sweep over targets of these names, the draws of a method side by side.

    Raises:
        UserError: an unknown method.
    """
    methods = [entry.name for entry in entries(kind, config.methods)]
    return tuple(
        Key(target, shots, method, draw)
        for target in targets
        for shots in config.shots
        for method in methods
        for draw in config.draws
    )


def entries(kind: Kind, methods: Sequence[str]) -> tuple[Entry, ...]:
    """The methods that a sweep of some kind of task names.

    Raises:
        UserError: an unknown one, a name that cannot be, or one that is given twice.
    """
    baselines = kind.methods()
    known = (META, *baselines)
    found: dict[str, Entry] = {}
    for text in methods:
        name, separator, rest = text.partition("=")
        path, says = _parted(rest)
        name = name.strip()
        if not separator and name not in known:
            raise UserError(
                f"method {text!r} is unknown; use {', '.join(known)} or NAME=CHECKPOINT"
            )
        if separator and (name in known or not _NAME.fullmatch(name) or not path):
            raise UserError(
                f"method {text!r}: write NAME=CHECKPOINT, with a name of letters and digits that "
                f"is none of {', '.join(known)}"
            )
        tune = says.get(TUNE)
        if tune is not None:
            kind.check_tune(tune)
        for each in (UNLABELLED, TEACHER):
            if each in says and not hasattr(kind.sweep_settings(), each):
                raise UserError(f"method {text!r}: {kind.name} makes no use of :{each}=")
        if says.get(UNLABELLED, TRAIN) != TRAIN:
            raise UserError(
                f"method {text!r}: unlabelled text can be that of the targets; write "
                f":{UNLABELLED}={TRAIN}"
            )
        if says.get(TEACHER) == "":
            raise UserError(f"method {text!r}: :{TEACHER}= names no folder; name one")
        if name in found:
            raise UserError(f"method {name!r} is named twice; give each checkpoint its own name")
        found[name] = Entry(
            name, Path(path) if separator else None, tune, bool({UNLABELLED, TEACHER} & set(says)),
            says.get(TEACHER, ""), name in baselines,
        )  # fmt: skip
    return tuple(found.values())


def _parted(text: str) -> tuple[str, dict[str, str]]:
    """A checkpoint's path, and the settings behind it by name."""
    path, *given = _OWN.split(text)
    names, values = given[::2], given[1::2]
    return path.strip(), {n: v.strip() for n, v in zip(names, values, strict=True)}


def needs_checkpoint(kind: Kind, methods: Sequence[str]) -> bool:
    """Whether the methods need a checkpoint that none of them names.

    ``meta`` does, and so does what takes a checkpoint's sizes and word vectors (``scratch``) where
    no method names one.
    """
    every = entries(kind, methods)
    baselines = kind.methods()
    named = any(entry.checkpoint for entry in every)
    return any(
        entry.name == META or (entry.baseline and baselines[entry.name].checkpoint and not named)
        for entry in every
    )


def numbers(text: str, option: str) -> tuple[int, ...]:
    """Numbers and ranges with both ends, such as ``0-4,7``, in the order given, each once.

    Raises:
        UserError: anything else, naming ``option``.
    """
    found: dict[int, None] = {}
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise UserError(f"{option} {text}: {part!r} is no number; write for example 0-4,7")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first >= 10_000:
            raise UserError(f"{option} {text}: {part!r} is no range; write for example 0-4")
        found |= dict.fromkeys(range(first, last + 1))
    return tuple(found)


def names(text: str, option: str) -> tuple[str, ...]:
    """Names between commas, in the order given, each once; :class:`UserError` for none."""
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise UserError(f"{option} {text!r}: names nothing; give one or more, with commas between")
    return found
