"""Every command that the pages show exists, with these options; nothing is run here."""

from __future__ import annotations

import configparser
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from fewshot_metalstm.cli.main import COMMANDS, PROGRAM, cli
from tests.docs.pages import PAGES, ROOT, SHELL, inline, logical_lines, read, statements

MODULE = "fewshot_metalstm"
# Programs of others: only that they are meant is checked.
OTHERS = frozenset({
    ".", "[", "bash", "cat", "cp", "curl", "echo", "eval", "export", "git", "head", "mlflow",
    "python3", "scontrol", "srun",
})  # fmt: skip
# What a reader of new-algorithm.md adds to the list of algorithms; test_how_tos.py does so too.
ADDED = ("--algorithm", "sign-maml")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_in_blocks(path: Path) -> None:
    problems = [
        f"{block}: {' '.join(words)}: {problem}"
        for block in read(path).blocks
        if block.language == SHELL
        for line in logical_lines(block.text)
        for words in statements(line)
        if (problem := wrong(words)) is not None
    ]
    assert problems == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_and_options_in_the_text(path: Path) -> None:
    problems = [
        f"{code}: {problem}"
        for code in inline(read(path))
        if (problem := wrong_in_passing(code.split())) is not None
    ]
    assert problems == []


@pytest.mark.parametrize(("line", "message"), [
    ("fewshot-metalstm adpat --target x", "there is no command 'adpat'"),
    ("fewshot-metalstm adapt --tarket x", "No such option"),
    ("fewshot-metalstm adapt --shots many", "'many' is not a valid integer"),
    ("fewshot-metalstm meta-train --algorithm mmal", "'mmal' is not one of"),
    ("fewshot-metalstm tasks audit bionlp", "Missing argument"),
    ("fewshot-metalstm tasks audti bionlp x", "there is no command 'audti'"),
    ("torchrun --nnodes 4 -m fewshot_metalstm meta-train --task x", "No such option"),
    ("srun bash -c 'torchrun -m fewshot_metalstm meta-train --outer 3'", "No such option"),
    ('eval "$(fewshot-metalstm completion basch)"', "'basch' is not one of"),
    ("echo x | fewshot-metalstm predict", "Missing argument"),
    ("make tset", "no target"),
    ("python -m benchmarks.bench_nothing", "no module"),
    ("python -m benchmarks.bench_ranks --siute x", "--siute"),
    ("pip install 'fewshot-metalstm[fats]'", "no extra 'fats'"),
    ("frobnicate x", "is no program that is known here"),
])  # fmt: skip
def test_what_is_wrong_is_found(line: str, message: str) -> None:
    found = [problem for words in statements(line) if (problem := wrong(words)) is not None]
    assert len(found) == 1
    assert message in found[0]


def test_what_is_wrong_in_passing_is_found() -> None:
    assert wrong_in_passing(["adapt", "--no-scores"]) == "adapt has no --no-scores"
    assert wrong_in_passing(["fewshot-metalstm", "dta", "list"]) == "there is no command 'dta'"
    assert wrong_in_passing(["adapt", "--no-score"]) is None


def wrong(words: Sequence[str]) -> str | None:
    """What is wrong with a command, or None."""
    program, *rest = words
    if program == PROGRAM:
        return parsed(rest)
    if program == "torchrun":
        at = rest.index("-m")
        assert rest[at + 1] == MODULE
        return parsed(rest[at + 2 :])
    if program == "make":
        return made(rest)
    if program == "pip":
        return installed(rest)
    if program == "python" or program.endswith("/python"):
        return module(rest)
    return None if program in OTHERS else f"{program} is no program that is known here"


def parsed(words: Sequence[str]) -> str | None:
    """What click says of the arguments of ``fewshot-metalstm``; the command is not invoked."""
    command: click.Command = cli
    name, arguments = PROGRAM, list(words)
    if ADDED[1] in arguments and arguments[arguments.index(ADDED[1]) - 1] == ADDED[0]:
        arguments[arguments.index(ADDED[1])] = "fomaml"
    try:
        while isinstance(command, click.Group) and arguments and arguments[0][:1] != "-":
            command, name = found(command, arguments[0]), arguments[0]
            del arguments[0]
        command.make_context(name, arguments).close()
    except click.exceptions.Exit:  # --help, --version
        return None
    except click.ClickException as error:
        return error.format_message()
    return None


def found(group: click.Group, name: str) -> click.Command:
    """The command of that name; :class:`click.UsageError` if there is none."""
    command = group.get_command(click.Context(group), name)
    if command is None:
        raise click.UsageError(f"there is no command {name!r}")
    return command


def wrong_in_passing(words: Sequence[str]) -> str | None:
    """What is wrong with inline code, if it names a command and options; arguments may be missing.

    ``adapt --no-score`` counts as well as ``fewshot-metalstm adapt --no-score``.
    """
    whole = words[0] == PROGRAM
    path = list(words[1:] if whole else words)
    named = bool(path) and path[0] in COMMANDS and any(word[:1] == "-" for word in path)
    if not path or path[0][:1] == "-" or path[0].isupper() or not (whole or named):
        return None
    command: click.Command = cli
    name = PROGRAM
    try:
        while isinstance(command, click.Group) and path and path[0][:1] not in ("-", "."):
            name = path.pop(0)
            command = found(command, name)
    except click.ClickException as error:
        return error.format_message()
    known = {"-h", "--help"} | {
        option for each in command.params for option in (*each.opts, *each.secondary_opts)
    }
    for word in path:
        option = re.match(r"--?[a-z][\w-]*", word)
        if option is not None and option[0] not in known:
            return f"{name} has no {option[0]}"
    return None


def made(words: Sequence[str]) -> str | None:
    """What is wrong with a call of make."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    wrong = [word for word in words if "=" not in word and word not in targets]
    return f"no target {wrong[0]}" if wrong else None


def installed(words: Sequence[str]) -> str | None:
    """What is wrong with a call of pip."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg")
    for names in re.findall(r"\[([\w,]+)\]", " ".join(words)):
        for name in names.split(","):
            if name not in config["options.extras_require"]:
                return f"there is no extra {name!r}"
    return None


def module(words: Sequence[str]) -> str | None:
    """What is wrong with ``python -m MODULE``: the module, or an option that it does not name.

    Of a script it is that no page shows it.
    """
    if "-m" not in words:
        shown = {block.title for path in PAGES for block in read(path).blocks}
        return None if words and words[0] in shown else f"no page shows {' '.join(words)}"
    name = words[words.index("-m") + 1]
    if name in sys.stdlib_module_names:
        return None
    if name == MODULE:
        return parsed(words[words.index("-m") + 2 :])
    place = ROOT.joinpath(*name.split("."))
    files = [place.with_suffix(".py"), place / "__main__.py"]
    source = "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
    if not source:
        return f"there is no module {name}"
    options = [word for word in words if word.startswith("--")]
    return next((f"{name} has no {word}" for word in options if f'"{word}' not in source), None)
