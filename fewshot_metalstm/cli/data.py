"""``fewshot-metalstm data``: what corpora there are, which are here, fetching the others."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli import shells
from fewshot_metalstm.cli.options import data_dir_option, json_option, quiet_option
from fewshot_metalstm.cli.tables import say

if TYPE_CHECKING:
    from fewshot_metalstm.cli.terminal import Terminal
    from fewshot_metalstm.data.catalogue import Catalogue, CorpusEntry, FileEntry
    from fewshot_metalstm.data.status import Status

TARGETS = "targets"
SPLITS = ("train", "devel", "test")
_STYLES = {"ready": "green", "absent": "dim", "incomplete": "yellow", "changed": "red"}
_PIPE_WIDTH = 140  # of a table that goes to a file or a pipe


@click.group()
def data() -> None:
    """List, check and fetch corpora.

    A NAME is a corpus, a suite, or `targets` for the official targets. Corpora are looked for in
    --data-dir, FEWSHOT_METALSTM_DATA and the user's cache folder.
    """


@data.command("list")
@click.argument("names", nargs=-1, metavar="[NAME...]", shell_complete=shells.corpora)
@json_option
def list_(names: tuple[str, ...], as_json: bool) -> None:
    """Show the corpora of the catalogue (all of them without a NAME)."""
    entries = select(names)
    if as_json:
        click.echo(json.dumps({"corpora": [describe(entry) for entry in entries]}, indent=2))
        return
    from rich.table import Table

    table = Table("corpus", "kind", "family", "types")
    for column in ("train", "devel", "test", "mentions", "MB"):
        table.add_column(column, justify="right")
    for entry in entries:
        files = entry.files
        mentions = [file.mentions for file in files.values() if file.mentions is not None]
        table.add_row(
            entry.name,
            entry.kind,
            entry.family,
            ", ".join(entry.types) if len(entry.types) <= 3 else f"{len(entry.types)} types",
            *(_size(files.get(split)) for split in SPLITS),
            "yours to bring" if entry.bring else str(sum(mentions)) if mentions else "",
            f"{entry.bytes / 1e6:.1f}" if entry.bytes else "",
        )
    _stdout().print(table)
    for licence in sorted({f"{e.collection.name}: {e.collection.licence}" for e in entries}):
        _stdout().print(f"Terms of {licence}. Whom to cite: data list --json.", highlight=False)


@data.command("status")
@click.argument("names", nargs=-1, metavar="[NAME...]", shell_complete=shells.corpora)
@data_dir_option
@json_option
def status_(names: tuple[str, ...], data_dir: Path | None, as_json: bool) -> None:
    """Show which corpora are here, and whether their files are the catalogue's."""
    from fewshot_metalstm.data.locate import data_folders
    from fewshot_metalstm.data.status import status

    found = [status(entry, data_dir) for entry in select(names)]
    folders = data_folders(data_dir)
    if as_json:
        where = [{"folder": str(each.path), "origin": each.origin} for each in folders]
        corpora = [_status_record(each) for each in found]
        click.echo(json.dumps({"data_folders": where, "corpora": corpora}, indent=2))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table("corpus", "state", "folder")
    for each in found:
        state = " ".join([each.state, *each.problems])
        place = "" if each.folder is None else str(each.folder)
        table.add_row(each.name, Text(state, style=_STYLES[each.state]), place)
    _stdout().print(table)
    ready = sum(each.state == "ready" for each in found)
    looked = ", ".join(map(str, folders))
    _stdout().print(f"{ready} of {len(found)} ready; looked in {looked}", highlight=False)


@data.command("fetch")
@click.argument("names", nargs=-1, metavar="[NAME...]", shell_complete=shells.corpora)
@data_dir_option
@json_option
@quiet_option
def fetch_(names: tuple[str, ...], data_dir: Path | None, as_json: bool, quiet: bool) -> None:
    """Fetch corpora (all that can be fetched without a NAME); a second call goes on."""
    entries = select(names)
    if not names:
        entries = tuple(entry for entry in entries if not entry.bring)
    summary = fetch_all(entries, data_dir, quiet=quiet or as_json)
    if as_json:
        click.echo(json.dumps(summary, indent=2))
        return
    fetched, present = len(summary["fetched"]), len(summary["present"])
    place = f" into {summary['folder']}" if fetched else ""
    say(f"{fetched} corpora fetched{place}, {present} there already")


def select(names: Iterable[str], catalogue: Catalogue | None = None) -> tuple[CorpusEntry, ...]:
    """The corpora that ``names`` (of corpora and suites, or ``targets``) mean, each once.

    No name means all. The corpora of a synthetic suite are made, not fetched: it means none.
    Raises :class:`UserError` for a name that is neither.
    """
    from fewshot_metalstm.data.catalogue import Catalogue
    from fewshot_metalstm.data.suites import load_suites, load_targets

    catalogue = catalogue or Catalogue.load(kind=None)
    names = tuple(names)
    if not names:
        return catalogue.values()
    chosen: dict[str, CorpusEntry] = {}
    suites = {} if all(name in catalogue for name in names) else load_suites(kind=None)
    for name in names:
        if name in catalogue:
            members: tuple[str, ...] = (name,)
        elif name == TARGETS:
            members = load_targets().official
        elif name in suites:
            members = () if suites[name].synthetic else suites[name].corpora
        else:
            raise catalogue.unknown(name, others=(*suites, TARGETS))
        chosen.update((member, catalogue[member]) for member in members)
    return tuple(chosen.values())


def fetch_all(
    entries: Iterable[CorpusEntry], data_dir: Path | None, *, quiet: bool
) -> dict[str, Any]:
    """Fetch what is not here yet, with a progress bar on standard error unless ``quiet``.

    Without ``data_dir`` a corpus that is ready in any data folder is left where it is.
    """
    from fewshot_metalstm.data.fetch import destination, fetch
    from fewshot_metalstm.data.status import READY, status

    folder = destination(data_dir)
    summary: dict[str, Any] = {"folder": str(folder), "fetched": [], "present": [], "bytes": 0}
    wanted: list[CorpusEntry] = []
    for entry in entries:
        if data_dir is None and status(entry).state == READY:
            summary["present"].append(entry.name)
        else:
            wanted.append(entry)
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    from fewshot_metalstm.cli.terminal import Terminal

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Terminal(stderr=True))
    # Not `disable`: before 14.3 rich leaves an empty line behind a bar that nobody saw.
    with nullcontext() if quiet else bar:
        task = bar.add_task("", total=sum(entry.bytes for entry in wanted))
        for entry in wanted:
            bar.update(task, description=entry.name)
            result = fetch(entry, folder, progress=lambda count: bar.advance(task, count))
            summary["fetched" if result.fetched else "present"].append(entry.name)
            summary["bytes"] += result.bytes
    return summary


def describe(entry: CorpusEntry) -> dict[str, Any]:
    """What the catalogue says of a corpus, as JSON has it."""
    return {
        "name": entry.name,
        "family": entry.family,
        "kind": entry.kind,
        "types": list(entry.types),
        "scheme": entry.scheme,
        "bring": entry.bring,
        "bytes": entry.bytes,
        "licence": entry.licence,
        "citation": entry.citation,
        "collection": entry.collection.name,
        "collection_citation": entry.collection.citation,
        "files": {
            split: {
                "url": None if entry.bring else entry.url(split),
                "sha256": file.sha256,
                "bytes": file.bytes,
                "sentences": file.sentences,
                "mentions": file.mentions,
                "items": file.items,
            }
            for split, file in entry.files.items()
        },
    }


def _size(file: FileEntry | None) -> str:
    """Sentences or items of a split; nothing for one that the corpus has not."""
    if file is None:
        return ""
    return "?" if file.size is None else str(file.size)


def _status_record(found: Status) -> dict[str, Any]:
    return {
        "name": found.name,
        "state": found.state,
        "folder": None if found.folder is None else str(found.folder),
        "problems": list(found.problems),
    }


def _stdout() -> Terminal:
    from fewshot_metalstm.cli.terminal import Terminal

    return Terminal(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
