"""The entry point ``fewshot-metalstm``: finds the command and turns errors into one line each.

The exit codes are those of :mod:`fewshot_metalstm.cli.failures`, and 0 for a command that is
done. A fault of our own shows its traceback; with ``--verbose``, or ``FEWSHOT_METALSTM_DEBUG=1`` in
the environment, every error shows it beside its line, and with ``FEWSHOT_METALSTM_TRACEBACK=1`` in
the place of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from fewshot_metalstm.cli import failures, streams, verbose
from fewshot_metalstm.cli.lazy import LazyCommand, LazyGroup, kind_command
from fewshot_metalstm.version import __version__

PROGRAM = "fewshot-metalstm"
COMPLETION = "_FEWSHOT_METALSTM_COMPLETE"


# In the order of a first session. The help stands here, and not in the commands' files, so
# that `--help` imports none of them.
COMMANDS = {
    "demo": kind_command("demo"),
    "init": LazyCommand(
        "fewshot_metalstm.cli.init:init", "Write commented settings and an example file."
    ),
    "settings": LazyCommand(
        "fewshot_metalstm.cli.settings:settings", "Print every setting, its default and meaning."
    ),
    "annotate": kind_command("annotate"),
    "check": kind_command("check"),
    "data": LazyCommand("fewshot_metalstm.cli.data:data", "List, check and fetch corpora."),
    "tasks": LazyCommand(
        "fewshot_metalstm.cli.tasks:tasks", "Show tasks and suites, audit overlaps, draw supports."
    ),
    "meta-train": LazyCommand(
        "fewshot_metalstm.cli.meta_train:meta_train", "Meta-train a model on a suite of tasks."
    ),
    "train": LazyCommand(
        "fewshot_metalstm.cli.train:train",
        "Train on all of one task, or of several jointly; needs no checkpoint.",
    ),
    "adapt": LazyCommand(
        "fewshot_metalstm.cli.adapt:adapt", "Adapt a checkpoint to a target with a few shots."
    ),
    "sweep": LazyCommand(
        "fewshot_metalstm.cli.sweep:sweep",
        "Adapt over a grid of targets, shots, methods and draws; resumes.",
    ),
    "predict": LazyCommand(
        "fewshot_metalstm.cli.predict:predict",
        "Tag or label text, or read digits, with a model.",
    ),
    "tag-corpus": kind_command("tag-corpus"),
    "evaluate": LazyCommand(
        "fewshot_metalstm.cli.evaluate:evaluate", "Score an adapted model on a test split."
    ),
    "compress": LazyCommand(
        "fewshot_metalstm.cli.compress:compress",
        "Make a model smaller: prune, combine columns, 8 bits.",
    ),
    "convert": kind_command("convert"),
    "suggest": kind_command("suggest"),
    "label-studio": kind_command("label-studio"),
    "pack": kind_command("pack"),
    "view": kind_command("view"),
    "report": LazyCommand(
        "fewshot_metalstm.cli.report:report", "Write a page and pictures of runs."
    ),
    "compare": LazyCommand(
        "fewshot_metalstm.cli.compare:compare", "Compare the tracked adaptations in a table."
    ),
    "register": LazyCommand(
        "fewshot_metalstm.cli.register:register", "Log an adapted tagger to MLflow, to serve it."
    ),
    "ui": LazyCommand("fewshot_metalstm.cli.ui:ui", "Open MLflow's pages on the runs."),
    "completion": LazyCommand(
        "fewshot_metalstm.cli.completion:completion", "Print the shell's completion script."
    ),
}


@click.group(
    name=PROGRAM,
    cls=LazyGroup,
    lazy_commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=failures.EXIT_CODES,
)
@click.version_option(__version__, "-V", "--version", prog_name=PROGRAM)
def cli() -> None:
    """Few-shot named-entity recognition with a meta-learned Meta-LSTM."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; ``arguments`` default to ``sys.argv[1:]``."""
    if COMPLETION in os.environ:
        cli.main(prog_name=PROGRAM, complete_var=COMPLETION)  # answers the shell, then exits
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
        # Here, and not when the interpreter ends, so that a full disk or a closed pipe behind
        # standard output is met where it can still be reported.
        sys.stdout.flush()
    except KeyboardInterrupt:
        _say("interrupted")
        return failures.INTERRUPTED
    except BrokenPipeError:
        if not streams.reader_is_gone():
            raise
        streams.abandon_output()
        return failures.BROKEN_PIPE
    except Exception as error:
        return _report(error)
    return code


def _run(arguments: Sequence[str]) -> int:
    """Run the command; what it raises passes through.

    click's own ``main`` would do this too, but it hides a closed pipe as exit code 1 and takes
    any EOFError, such as that of a compressed file which ends too soon, for an interruption.
    """
    try:
        with cli.make_context(PROGRAM, list(arguments)) as context:
            try:
                cli.invoke(context)
            except Exception as error:
                if failures.describe(error, PROGRAM) is not None:  # others show theirs anyway
                    verbose.trace(context)
                raise
    except click.exceptions.Exit as leave:  # --help, --version, `ctx.exit`
        return leave.exit_code
    except click.Abort as abort:  # a prompt that was left
        raise KeyboardInterrupt from abort
    return 0


def _report(error: Exception) -> int:
    """Say an error that the user can mend and return its exit code; raise any other again."""
    if os.environ.get("FEWSHOT_METALSTM_TRACEBACK") == "1":
        raise error
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()  # a group without its command: the help is the answer
        return failures.MENDABLE
    line = failures.describe(error, PROGRAM)
    if line is None:
        raise error
    _say(f"error: {line}")
    try:
        sys.stdout.flush()
    except OSError:  # it may be standard output itself that has no space left
        streams.abandon_output()
    return failures.MENDABLE


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
