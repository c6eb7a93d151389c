"""Every setting of the commands that have some: name, meaning, default, type and range.

All of it is read from the dataclasses themselves, so that the list cannot say anything else than
the code does. What a setting means is the comment beside its field
(:func:`fewshot_metalstm.config_template.comments`).
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fewshot_metalstm.config_template import comments
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.ranges import ranges_of

_WORDS = {int: "integer", float: "number", str: "text", bool: "true or false"}


@dataclasses.dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        name: dotted, as ``--set`` takes it, such as ``inner.lr``.
        commands: those that have it, such as ``adapt`` and ``sweep``.
        type: in words, such as ``number``.
        default: a plain value, as YAML has it.
        meaning: one line; empty where the name says all.
        range: what it may be, in words, such as ``at least 1``; empty where its type says all.
    """

    name: str
    commands: tuple[str, ...]
    type: str
    default: Any
    meaning: str
    range: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return dataclasses.asdict(self)


def settings(commands: Mapping[str, type[Any]], section: str | None = None) -> list[Setting]:
    """The settings of some commands, those without a section first in each.

    A setting that several commands have with the same default and meaning stands once.

    Args:
        commands: the dataclass of a command's settings, by the command's name.
        section: only those of this section (``tagger``, ``tagger.lstm``) or of this name.

    Raises:
        UserError: there is no such section.
    """
    merged: dict[tuple[Any, ...], Setting] = {}
    for command, kind in commands.items():
        for each in _walk(kind(), command, ""):
            key = (each.name, each.type, each.default, each.meaning, each.range)
            known = merged.get(key)
            merged[key] = each if known is None else dataclasses.replace(
                known, commands=(*known.commands, command)
            )  # fmt: skip
    every = list(merged.values())
    if section is None:
        return every
    chosen = [s for s in every if s.name == section or s.name.startswith(f"{section}.")]
    if not chosen:
        names = sections(every)
        near = difflib.get_close_matches(section, [*names, *(s.name for s in every)], n=1)
        cure = f"did you mean {near[0]}?" if near else f"use {', '.join(names)}"
        raise UserError(f"there is no section {section!r}; {cure}")
    return chosen


def sections(every: Iterable[Setting]) -> list[str]:
    """The sections of some settings, each once: ``inner``, ``tagger``, ``tagger.lstm``."""
    names: dict[str, None] = {}
    for each in every:
        parts = each.name.split(".")[:-1]
        names.update({".".join(parts[: n + 1]): None for n in range(len(parts))})
    return list(names)


def type_words(hint: Any) -> str:
    """A field's type in words: ``list of texts``, ``integer or null``."""
    if hint in _WORDS:
        return _WORDS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        each = ["null" if a is type(None) else type_words(a) for a in arguments]
        return " or ".join(each)
    if origin is typing.Literal:
        return " or ".join(map(str, arguments))
    if origin is tuple:
        return f"list of {type_words(arguments[0])}s"
    return str(getattr(hint, "__name__", hint))


def _walk(config: Any, command: str, prefix: str) -> Iterator[Setting]:
    kind = type(config)
    meanings, hints, ranges = comments(kind), typing.get_type_hints(kind), ranges_of(kind)
    fields = dataclasses.fields(config)
    for field in sorted(fields, key=lambda f: dataclasses.is_dataclass(getattr(config, f.name))):
        value = getattr(config, field.name)
        name = prefix + field.name
        if dataclasses.is_dataclass(value):
            yield from _walk(value, command, f"{name}.")
        else:
            words = type_words(hints[field.name])
            may = ranges[field.name].words() if field.name in ranges else ""
            yield Setting(name, (command,), words, value, meanings.get(field.name, ""), may)
