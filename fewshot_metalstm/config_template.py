"""Settings as a commented YAML file, made from the dataclasses themselves.

What a setting means is the comment beside its field in the source, so that the file cannot say
anything else than the code does.
"""

from __future__ import annotations

import dataclasses
import inspect
import io
import re
import textwrap
import tokenize
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from fewshot_metalstm.ranges import FINITE, ranges_of

_INDENT = "  "
_WIDTH = 96
_SETTING = re.compile(r"^( *)#(\w+:)", re.MULTILINE)
_FIELD = re.compile(r"\s*(\w+)\s*:")


def template(config: Any, heading: Sequence[str]) -> str:
    """``config``, an instance with its defaults, as YAML: every setting with meaning and range.

    Settings are commented out, sections are not: the file as it is changes nothing, also where a
    default depends on other settings. :func:`uncommented` puts all of them in force.

    Args:
        heading: lines for the head of the file, as comments.
    """
    head = [line for each in heading for line in textwrap.wrap(
        each, _WIDTH, initial_indent="# ", subsequent_indent="# ")]  # fmt: skip
    return "\n".join([*head, "", *_lines(config, "")]) + "\n"


def uncommented(text: str) -> str:
    """A template with every setting in force."""
    return _SETTING.sub(r"\1\2", text)


def comments(kind: type[Any]) -> dict[str, str]:
    """The comment of each field of a dataclass: beside it, or in the lines above it."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if dataclasses.is_dataclass(each):
            found |= _own_comments(each)
    return found


def _own_comments(kind: type[Any]) -> dict[str, str]:
    source = textwrap.dedent(inspect.getsource(kind))
    beside: dict[str, str] = {}
    above: list[str] = []
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            words = token.string.lstrip("# ").rstrip()
            before = lines[token.start[0] - 1][: token.start[1]]
            field = _FIELD.match(before)
            if not before.strip():
                above.append(words)
            elif field is not None:
                beside[field[1]] = words
        elif token.type == tokenize.NEWLINE:
            field = _FIELD.match(lines[token.start[0] - 1])
            if above and field is not None:
                beside.setdefault(field[1], " ".join(above))
            above = []
    return beside


def _lines(config: Any, indent: str) -> Iterator[str]:
    meanings, ranges = comments(type(config)), ranges_of(type(config))
    # Sections last: what follows one would be read as part of it.
    fields = dataclasses.fields(config)
    for field in sorted(fields, key=lambda f: dataclasses.is_dataclass(getattr(config, f.name))):
        value = getattr(config, field.name)
        meaning = meanings.get(field.name, "")
        if dataclasses.is_dataclass(value):
            about = (inspect.getdoc(type(value)) or "").split("\n")[0].rstrip(".")
            beside = "; ".join(part for part in (about, meaning) if part)
            yield ""
            yield from _wrapped(f"{indent}{field.name}:", beside, indent)
            yield from _lines(value, indent + _INDENT)
        else:
            may = ranges.get(field.name, FINITE)
            beside = meaning if may == FINITE else f"{meaning} [{may.words()}]".lstrip()
            yield from _wrapped(f"{indent}#{field.name}: {_plain(value)}", beside, indent)


def _wrapped(line: str, meaning: str, indent: str) -> Iterator[str]:
    """A line with its comment beside it, or above it where that is too long."""
    if not meaning:
        yield line
    elif len(line) + len(meaning) + 4 <= _WIDTH:
        yield f"{line}  # {meaning}"
    else:
        mark = f"{indent}# "
        yield from textwrap.wrap(meaning, _WIDTH, initial_indent=mark, subsequent_indent=mark)
        yield line


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        value = list(value)
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")
