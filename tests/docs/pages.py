"""The pages as the tests read them: blocks of code, shell commands, inline code, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import fewshot_metalstm

ROOT = Path(__file__).resolve().parents[2]
if not (ROOT / "mkdocs.yml").is_file():
    pytest.skip("the pages are not beside the tests", allow_module_level=True)
# Where the package is imported from: beside the tests, or where it is installed.
SOURCES = Path(fewshot_metalstm.__file__).parents[1]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
SHELL = "sh"

_FENCE = re.compile(r'```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?$')
_INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_VARIABLE = re.compile(r"(?<=\s)\$\w+(?=\s|'|$)")  # an unquoted one may be nothing at all
_SEPARATORS = frozenset({"&&", "||", ";", "|", "&", "(", ")", ">", ">>"})
# What an indented block begins with when it is meant for a shell.
_PROGRAMS = ("fewshot-metalstm ", "make ", "python ", "torchrun ", "pip ", "eval ")


@dataclass(frozen=True)
class Block:
    """A block of code: where its first line is, its language, and the file it is meant to be."""

    page: Path
    line: int
    language: str
    title: str | None
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Page:
    """A page taken apart: its blocks, and its prose, in which blocks are left out."""

    path: Path
    blocks: tuple[Block, ...]
    prose: str


def read(path: Path) -> Page:
    """Fenced blocks, and those indented by four blanks after an empty line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    blocks: list[Block] = []
    prose: list[str] = []
    at = 0
    while at < len(lines):
        fence = _FENCE.match(lines[at])
        if fence is not None:
            end = lines.index("```", at + 1)
            language, title = fence["language"], fence["title"]
        elif lines[at].startswith("    ") and not lines[at - 1].strip():
            end = at
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            shell = lines[at].strip().startswith(_PROGRAMS)
            language, title = SHELL if shell else "", None
        else:
            prose.append(lines[at])
            at += 1
            continue
        body = lines[at + 1 : end] if fence else [line[4:] for line in lines[at:end]]
        blocks.append(Block(path, at + 1, language, title, "\n".join(body).rstrip() + "\n"))
        at = end + (fence is not None)
    return Page(path, tuple(blocks), "\n".join(prose))


def logical_lines(text: str) -> Iterator[str]:
    """Lines of a shell script: joined after a backslash, and until every quote is closed."""
    held = ""
    for line in text.splitlines():
        held = f"{held}\n{line}" if held else line
        try:
            shlex.split(held, comments=True)
        except ValueError:  # an open quote, or a backslash at the end
            continue
        if held.endswith("\\"):
            continue
        joined = held.replace("\\\n", " ").strip()
        held = ""
        if joined and not joined.startswith("#"):
            yield joined
    assert not held, f"a quote is not closed: {held}"


def statements(line: str) -> Iterator[list[str]]:
    """The commands of a logical line as words, those in quotes and in ``$(...)`` too."""
    line = re.sub(r'"\$(\w+)"', r"\1", line)
    lexer = shlex.shlex(_VARIABLE.sub("", line), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word not in _SEPARATORS:
            words.append(word)
            continue
        while words and re.match(r"\w+=", words[0]):  # VARIABLE=value before a command
            del words[0]
        if words:
            yield words
            for inner in re.findall(r"\$\((.*?)\)", " ".join(words)):
                yield from statements(inner)
            if words[0] in ("bash", "srun") and "-c" in words:
                yield from statements(words[words.index("-c") + 1].replace("\\\n", " "))
        # What follows > is a file and no command; so it is dropped with the next separator.
        words = ["echo"] if word in (">", ">>") else []


def inline(page: Page) -> Iterator[str]:
    """Inline code, in one line each."""
    for code in _INLINE.findall(page.prose):
        yield " ".join(code.split())


def links(page: Page) -> Iterator[str]:
    """Targets of links."""
    yield from _LINK.findall(_INLINE.sub("", page.prose))
