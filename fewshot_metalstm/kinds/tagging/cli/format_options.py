"""Options of the commands that read annotated text in any format, and what they say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from fewshot_metalstm.cli.tables import say

_Command = TypeVar("_Command", bound=Callable[..., Any])


def formats(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of formats that begin with what was typed, with what they are."""
    from fewshot_metalstm.kinds.tagging.formats.table import FORMATS

    return [
        CompletionItem(format.name, help=format.about)
        for format in FORMATS.values() if format.name.startswith(incomplete)
    ]  # fmt: skip


class WrittenFormatOption(click.Option):
    """An option whose help names at ``{formats}`` those that can be written, when it is read."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option and its help, as click has it."""
        from fewshot_metalstm.kinds.tagging.formats.table import WRITABLE

        *others, last = WRITABLE
        self.help = (self.help or "").format(formats=f"{', '.join(others)} or {last}")
        return super().get_help_record(ctx)


def format_option(command: _Command) -> _Command:
    """``--format FORMAT`` as ``form: str | None``, of a target of the user's own."""
    return click.option(
        "--format", "form", metavar="FORMAT", shell_complete=formats,
        help="Format of your files, such as brat or bioc-xml.  [default: by name and look]",
    )(command)  # fmt: skip


def scheme_option(command: _Command) -> _Command:
    """``--scheme SCHEME`` as ``scheme: str | None``, of a target of the user's own."""
    return click.option(
        "--scheme", metavar="SCHEME",
        help="IO, IOB1, IOB2, IOBES or BILOU, of your file, lenient (b_Gene), or token: a label "
        "for every token, such as its part of speech.  [default: detected]",
    )(command)  # fmt: skip


def tag_column_option(command: _Command) -> _Command:
    """``--tag-column COLUMN`` as ``tag_column: str | None``, of a target of the user's own."""
    return click.option(
        "--tag-column", metavar="COLUMN",
        help="Of the tags in your file: a number from 0, or from the end when negative; of CoNLL-U "
        "with --scheme token UPOS or XPOS.  [default: the last; UPOS]",
    )(command)  # fmt: skip


def overlaps_option(command: _Command) -> _Command:
    """``--overlaps error|longest`` as ``overlaps: str``, error by default."""
    return click.option(
        "--overlaps", default="error", show_default=True, type=click.Choice(["error", "longest"]),
        help="Where mentions overlap or are discontinuous: stop, or keep the longest, counted.",
    )(command)  # fmt: skip


def bad_option(command: _Command) -> _Command:
    """``--bad-annotations error|repair|skip`` as ``bad_annotations: str``, error by default."""
    return click.option(
        "--bad-annotations", default="error", show_default=True,
        type=click.Choice(["error", "repair", "skip"]),
        help="Where an annotation is wrong: stop; move it to where its text is; leave it out.",
    )(command)  # fmt: skip


def unannotated_option(command: _Command) -> _Command:
    """``--unannotated skip|skip-empty|negatives`` as ``unannotated: str``, skip by default."""
    return click.option(
        "--unannotated", default="skip", show_default=True,
        type=click.Choice(["skip", "skip-empty", "negatives"]),
        help="Text that nobody annotated: leave it out (and empty .ann files too), or take it as "
        "text without mentions.",
    )(command)  # fmt: skip


def print_notes(notes: Mapping[str, int], name: str = "note") -> None:
    """Say on standard error what was changed and left out."""
    from fewshot_metalstm.kinds.tagging.formats.notes import lines

    for line in lines(notes):
        say(f"{name}: {line}", err=True)
