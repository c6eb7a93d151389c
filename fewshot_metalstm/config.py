"""Frozen dataclasses from YAML, overrides and defaults, checked by field, type and range."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
import re
import types
import typing
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import yaml

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.ranges import ranges_of, shown

T = TypeVar("T")
_SCIENTIFIC = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")


def resolve(
    kind: type[T],
    file: Path | None,
    overrides: Sequence[str],
    given: Mapping[str, Any],
    base: Sequence[str] = (),
) -> T:
    """Build a config of ``kind``: defaults, ``base``, ``file``, ``overrides``, then ``given``.

    Args:
        base: overrides that everything else comes after.
        file: a YAML mapping of sections and fields, or None.
        overrides: ``section.field=value`` with the value in YAML, as from ``--set``.
        given: dotted field names to values, as from options of a command; None is skipped.

    Raises:
        UserError: unknown field (with the closest known one), ill-typed value, one outside of its
            range (:mod:`fewshot_metalstm.ranges`), unreadable file.
    """
    tree: dict[str, Any] = {}
    _override(tree, base)
    if file is not None:
        stored = _without_empty(kind, read_mapping(file))
        check(kind, stored, str(file))
        _merge(tree, stored)
    _override(tree, overrides)
    check(kind, tree, "--set")
    for name, value in given.items():
        if value is not None:
            _put(tree, name, value)
    check(kind, tree, "option")
    return _build(kind, tree)


def read_mapping(file: Path) -> dict[str, Any]:
    """Read a YAML mapping; anything else is a :class:`UserError`."""
    try:
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as problem:
        raise at(file, None, f"cannot be read ({problem.strerror})", "give a YAML file") from None
    except RecursionError:
        raise at(file, None, "nested too deeply", "write 'field: value' lines") from None
    except (yaml.YAMLError, ValueError) as problem:  # ValueError: not UTF-8, or the 31st of June
        mark = getattr(problem, "problem_mark", None)
        line = mark.line + 1 if mark is not None else None
        raise at(file, line, "not valid YAML", "mend it; every line is 'field: value'") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise at(file, 1, "not a mapping", "write 'field: value' lines")
    return tree


def _hints(kind: type[Any]) -> Mapping[str, Any]:
    """The types of a dataclass's fields, without what they are annotated with."""
    return _cached_hints(typing.cast(Hashable, kind))


@functools.cache
def _cached_hints(kind: Hashable) -> Mapping[str, Any]:
    return MappingProxyType(typing.get_type_hints(kind))


def _without_empty(kind: type[Any], tree: Mapping[str, Any]) -> dict[str, Any]:
    """``tree`` without the sections in which nothing stands, as where all is commented out."""
    hints = _hints(kind)
    kept: dict[str, Any] = {}
    for name, value in tree.items():
        section = hints.get(name)
        if not dataclasses.is_dataclass(section):
            kept[name] = value
        elif isinstance(value, Mapping):
            kept[name] = _without_empty(typing.cast(type[Any], section), value)
        elif value is not None:
            kept[name] = value
    return kept


def as_mapping(config: Any) -> dict[str, Any]:
    """The config as nested mappings of plain values, as :func:`resolve` reads them."""
    return dataclasses.asdict(config)


def flat(config: Any) -> dict[str, Any]:
    """The config as dotted names and values."""

    def walk(prefix: str, tree: Mapping[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, value in tree.items():
            out |= (
                walk(f"{prefix}{key}.", value) if isinstance(value, dict) else {prefix + key: value}
            )
        return out

    return walk("", as_mapping(config))


def dump(config: Any) -> str:
    """The config as YAML."""
    return yaml.safe_dump(as_mapping(config), sort_keys=False, allow_unicode=True)


def from_mapping(kind: type[T], tree: Mapping[str, Any], source: str) -> T:
    """Build a config from a stored mapping, checked as in :func:`resolve`."""
    check(kind, tree, source)
    return _build(kind, tree)


def check(kind: type[Any], tree: Mapping[str, Any], source: str, prefix: str = "") -> None:
    """Raise :class:`UserError` unless ``tree`` fits the fields of ``kind`` and their ranges."""
    hints, ranges = _hints(kind), ranges_of(kind)
    for name, value in tree.items():
        full = f"{prefix}{name}"
        if name not in hints:
            near = difflib.get_close_matches(str(name), hints, n=1)
            known = ", ".join(f"{prefix}{hint}" for hint in hints)
            cure = f"did you mean {prefix}{near[0]}?" if near else f"known: {known}"
            raise UserError(f"{source}: unknown setting {full}; {cure}")
        hint = hints[name]
        if dataclasses.is_dataclass(hint):
            if not isinstance(value, Mapping):
                raise UserError(f"{source}: {full} is a section; set one of its fields")
            check(typing.cast(type[Any], hint), value, source, f"{full}.")
        elif not _fits(value, hint):
            wanted = getattr(hint, "__name__", str(hint))
            raise UserError(
                f"{source}: {full}={shown(value)} is not of type {wanted}; mend the value"
            )
        elif name in ranges:
            fault = ranges[name].fault(full, _converted(value, hint))
            if fault is not None:
                raise UserError(f"{source}: {fault}")


def _fits(value: Any, hint: Any) -> bool:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, option) for option in typing.get_args(hint))
    if origin is tuple:
        inner = typing.get_args(hint)[0]
        return isinstance(value, (list, tuple)) and all(_fits(v, inner) for v in value)
    if hint is float:
        if isinstance(value, str):  # YAML takes 1e-3, which has no dot, for a word
            return _SCIENTIFIC.fullmatch(value) is not None
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is type(None):
        return value is None
    return isinstance(value, hint)


def _converted(value: Any, hint: Any) -> Any:
    """A value that fits its field, as the field holds it: numbers as ``float`` where it does."""
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        return tuple(_converted(each, inner) for each in value)
    if hint is float:
        try:
            return float(value)
        except OverflowError:  # an integer beyond any float
            return math.inf if value > 0 else -math.inf
    return value


def _override(tree: dict[str, Any], overrides: Sequence[str]) -> None:
    for text in overrides:
        name, separator, value = text.partition("=")
        if not separator:
            raise UserError(f"--set {text}: no '='; write --set section.field=value")
        try:
            parsed = yaml.safe_load(value)
        except (yaml.YAMLError, ValueError):
            raise UserError(f"--set {text}: {value!r} is not YAML; quote it") from None
        except RecursionError:
            raise UserError(f"--set {name}: the value is nested too deeply; mend it") from None
        _put(tree, name.strip(), parsed)


def _merge(tree: dict[str, Any], stored: Mapping[str, Any]) -> None:
    for name, value in stored.items():
        if isinstance(value, dict) and isinstance(tree.get(name), dict):
            _merge(tree[name], value)
        else:
            tree[name] = value


def _put(tree: dict[str, Any], name: str, value: Any) -> None:
    *sections, last = name.split(".")
    for section in sections:
        inner = tree.setdefault(section, {})
        if not isinstance(inner, dict):
            raise UserError(f"setting {name}: {section} is no section; check the name")
        tree = inner
    tree[last] = value


def _build(kind: type[T], tree: Mapping[str, Any], base: T | None = None) -> T:
    """A config of what ``tree`` sets; the rest is that of ``base``, or the defaults of ``kind``."""
    hints = _hints(kind)
    defaults = {field.name: field for field in dataclasses.fields(typing.cast(Any, kind))}
    values: dict[str, Any] = {}
    for name, value in tree.items():
        hint = hints[name]
        if dataclasses.is_dataclass(hint):
            # A section may have other defaults in this config than by itself.
            own = getattr(base, name, None)
            factory, default = defaults[name].default_factory, defaults[name].default
            if own is None and factory is not dataclasses.MISSING:
                own = factory()
            elif own is None and default is not dataclasses.MISSING:
                own = default
            values[name] = _build(typing.cast(type[Any], hint), value, own)
        else:
            values[name] = _converted(value, hint)
    if base is not None:
        changed: T = dataclasses.replace(typing.cast(Any, base), **values)
        return changed
    return kind(**values)


def _default(field: dataclasses.Field[Any]) -> Any:
    """A field's default, or None if it has none."""
    if field.default is not dataclasses.MISSING:
        return field.default
    return None if field.default_factory is dataclasses.MISSING else field.default_factory()
