"""What the commands have in common that write a page of what a model makes of a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from fewshot_metalstm.cli.options import (
    device_option,
    json_option,
    output_file_option,
    quiet_option,
)
from fewshot_metalstm.cli.streams import STANDARD_OUTPUT, place_of
from fewshot_metalstm.cli.tables import print_json, say


class Shown(Protocol):
    """What a page shows."""

    @property
    def model(self) -> str:
        """The model, as it was given."""

    @property
    def notes(self) -> Sequence[str]:
        """What has to be said of the file."""


S = TypeVar("S", bound=Shown)


def view_command(
    *options: Callable[[Any], Any],
) -> Callable[[Callable[..., None]], click.Command]:
    """A command ``view`` of a model and a file, with these options of its own."""

    def made(function: Callable[..., None]) -> click.Command:
        for option in reversed((
            click.argument("model", type=click.Path(path_type=Path)),
            click.argument("file", type=click.Path(path_type=Path)),
            output_file_option(
                "The page to write.  [default: FILE's name with .html, here]", once="--html"
            ),
            *options, device_option, json_option, quiet_option,
        )):  # fmt: skip
            function = option(function)
        return click.command("view")(function)

    return made


def show(
    file: Path, output: Path | None, write: Callable[[Path], S],
    say_it: Callable[[S], tuple[str, Mapping[str, Any]]], *, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Write a page and say so.

    Args:
        output: the page; the file's name with ``.html`` if None.
        write: writes the page to a place.
        say_it: what of it is said in a line, and in JSON beside page, model and notes.
    """
    html = Path(f"{file.name}.html") if output is None else output
    with place_of(html, as_json=as_json) as place:
        shown = write(place)
    line, figures = say_it(shown)
    if as_json:
        print_json({
            "html": str(html), "model": shown.model, "notes": list(shown.notes), **figures
        })  # fmt: skip
        return
    for note in () if quiet else shown.notes:
        say(f"note: {note}", err=True)
    if html == STANDARD_OUTPUT:  # where the page is alone
        if not quiet:
            say(line, err=True)
        return
    say(f"{html}: {line}")
