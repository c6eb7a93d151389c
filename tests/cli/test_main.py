"""The entry point as a user meets it: help, mistakes, interruptions, broken outputs."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from fewshot_metalstm import __version__
from fewshot_metalstm.cli import main as entry
from fewshot_metalstm.cli.lazy import LazyCommand
from fewshot_metalstm.errors import UserError, at


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-m", "fewshot_metalstm", *arguments],
        **{"text": True, "capture_output": True, "timeout": 120, **options},
    )


def raising(error: BaseException) -> click.Command:
    @click.command
    def command() -> None:
        click.echo("before")
        raise error

    return command


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> object:
    """Return a function that puts a command named ``data`` in place of the real one."""

    def put(replacement: click.Command) -> None:
        monkeypatch.setattr(LazyCommand, "load", lambda self: replacement)

    return put


def test_help_imports_no_command_and_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from fewshot_metalstm.cli.main import main\n"
        "assert main(['--help']) == 0\n"
        "print('\\n'.join(sorted(sys.modules)), file=sys.stderr)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True
    )
    loaded = set(result.stderr.split())
    assert "click" in loaded
    assert not loaded & {"torch", "numpy", "mlflow", "gensim", "rich", "yaml", "higher", "seqeval"}
    ours = {name for name in loaded if name.startswith("fewshot_metalstm.")}
    assert ours == {
        "fewshot_metalstm.cli",
        "fewshot_metalstm.cli.failures",
        "fewshot_metalstm.cli.lazy",
        "fewshot_metalstm.cli.main",
        "fewshot_metalstm.cli.streams",
        "fewshot_metalstm.cli.verbose",
        "fewshot_metalstm.data",
        "fewshot_metalstm.data.splits",
        "fewshot_metalstm.declarations",
        "fewshot_metalstm.entry_points",
        "fewshot_metalstm.errors",
        "fewshot_metalstm.kinds",
        "fewshot_metalstm.kinds.registry",
        "fewshot_metalstm.printable",
        "fewshot_metalstm.version",
    }
    for name, lazy in entry.COMMANDS.items():
        assert f"  {name} " in result.stdout
        assert lazy.help.split()[0] in result.stdout


@pytest.mark.parametrize("name", entry.COMMANDS)
def test_every_command_loads_and_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: fewshot-metalstm {name}")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--version"]) == 0
    assert capsys.readouterr().out == f"fewshot-metalstm, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["adap"], "there is no command 'adap' (did you mean adapt?); see `fewshot-metalstm"),
        (["meta_train"], "there is no command 'meta_train' (did you mean meta-train or train?)"),
        (["xyzzy"], "there is no command 'xyzzy' (there are demo, init, settings,"),
        (["--nope"], "No such option"),
    ],
)
def test_a_usage_error_is_one_line_with_the_cure(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {problem}")
    assert err.endswith("--help`\n")
    assert err.count("\n") == 1


def test_no_command_shows_the_help_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main([]) == 2
    out, err = capsys.readouterr()
    assert "Commands:" in out + err


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (at("a/b.tsv", 7, "two tags", "keep one"), "a/b.tsv:7: two tags; keep one"),
        (UserError("no such suite:\n  bio"), "no such suite: bio"),
        (click.ClickException("bad"), "bad"),
        (
            PermissionError(errno.EACCES, "denied", "runs/x.json"),
            "runs/x.json: permission denied; change its permissions or choose another place",
        ),
        (
            OSError(errno.ENOSPC, "full", Path("runs/x")),
            "runs/x: no space left on device; free some space or choose another place",
        ),
        (
            OSError(errno.ENOSPC, "full"),
            "no space left on device; free some space or choose another place",
        ),
        (
            FileExistsError(errno.EEXIST, "there", "a.part", None, "a"),
            "a.part -> a: file exists; remove it or choose another place",
        ),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_exit_code_2(
    error: Exception, line: str, command: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(command)
    command(raising(error))
    assert entry.main(["data"]) == 2
    assert capsys.readouterr() == ("before\n", f"error: {line}\n")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a fault"),
        EOFError("Compressed file ended before the end-of-stream marker was reached"),
        OSError("without a number"),
        ConnectionResetError(errno.ECONNRESET, "reset"),
        BrokenPipeError(errno.EPIPE, "a worker's pipe"),
    ],
)
def test_a_fault_of_our_own_is_not_hidden(error: Exception, command: object) -> None:
    assert callable(command)
    command(raising(error))
    with pytest.raises(type(error)) as caught:
        entry.main(["data"])
    assert caught.value is error


def test_the_traceback_can_be_asked_for(command: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(command)
    command(raising(UserError("x")))
    monkeypatch.setenv("FEWSHOT_METALSTM_TRACEBACK", "1")
    with pytest.raises(UserError):
        entry.main(["data"])


@pytest.mark.parametrize("by", ["option", "environment"])
def test_verbose_shows_the_traceback_and_the_line(
    by: str, command: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(command)
    command(raising(UserError("x; do y")))
    if by == "environment":
        monkeypatch.setenv("FEWSHOT_METALSTM_DEBUG", "1")
    assert entry.main(["data", "-v"] if by == "option" else ["data"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("Traceback (most recent call last)")
    assert err.endswith("\nerror: x; do y\n")


def test_verbose_shows_the_log_and_is_over_with_the_command(
    command: object, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command
    def logs() -> None:
        logging.getLogger("fewshot_metalstm.some").info("tables made")

    assert callable(command)
    command(logs)
    assert entry.main(["data", "--verbose"]) == 0
    assert capsys.readouterr().err == "INFO fewshot_metalstm.some: tables made\n"
    assert entry.main(["data"]) == 0
    assert capsys.readouterr().err == ""


def test_the_exit_codes_are_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--help"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    for code in ("0 done", "1 done, and", "2 nothing done", "130 Ctrl-C", "141 the reader"):
        assert code in printed


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interruption_is_said_in_one_line(
    error: BaseException, command: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(command)
    command(raising(error))
    assert entry.main(["data"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_an_exit_code_of_a_command_is_kept(command: object) -> None:
    @click.command
    @click.pass_context
    def leave(context: click.Context) -> None:
        context.exit(3)

    assert callable(command)
    command(leave)
    assert entry.main(["data"]) == 3


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_is_no_error(unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        result = run(
            "--help",
            capture_output=False,
            stdout=writing,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    finally:
        os.close(writing)
    assert (result.returncode, result.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_behind_standard_output_is_said(unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        result = run(
            "--help",
            capture_output=False,
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    assert result.returncode == 2
    assert result.stderr.startswith("error: no space left on device; free some space")
    assert result.stderr.count("\n") == 1


def test_what_writes_takes_o_and_output() -> None:
    found = {}
    for name, lazy in entry.COMMANDS.items():
        for each in lazy.load().params:
            options = (*each.opts, *each.secondary_opts)
            if {"-o", "--output", "--html"} & set(options):
                found[name] = options
    assert set(found) == {
        "adapt", "annotate", "compress", "convert", "demo", "init", "label-studio", "meta-train",
        "pack", "predict", "report", "suggest", "sweep", "tag-corpus", "train", "view",
    }  # fmt: skip
    assert all(options[:2] == ("-o", "--output") for options in found.values())
    assert {name for name, options in found.items() if "--html" in options} == {"report", "view"}
