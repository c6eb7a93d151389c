"""``fewshot-metalstm tag-corpus``: tag PubMed-size text with an adapted tagger."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli.options import (
    device_option,
    json_option,
    output_option,
    quiet_option,
    retries_option,
    runner_option,
    workers_option,
)
from fewshot_metalstm.cli.tables import print_json, say

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.tagging.bulk.run import BulkReport

FILES_FAILED = 1


@click.command("tag-corpus")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument(
    "inputs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="INPUT..."
)
@output_option("One file an input; finished files there are kept.", required=True)
@click.option("--format", "kind", type=click.Choice(["pubmed", "jsonl", "text"]),
              help="Kind of the inputs.  [default: by the name: .xml, .jsonl, .txt]")  # fmt: skip
@click.option("--documents", type=click.Choice(["file", "line"]), default="file",
              show_default=True, help="What a document of plain text is.")  # fmt: skip
@click.option("--text", "with_text", is_flag=True, help="Write each document's text too.")
@workers_option
@runner_option
@retries_option
@device_option
@json_option
@quiet_option
@click.pass_context
def tag_corpus(context: click.Context, /, as_json: bool, quiet: bool, **options: Any) -> None:
    """Tag INPUTs, files or folders of them, with the tagger in the folder MODEL.

    PubMed XML (title and abstract), JSON lines (objects with id and text) and plain text, each
    also with .gz. A document is a JSON line: id, mentions with start, end (characters), type and
    text. Records that cannot be read are listed in the folder bad and passed over. The same
    command goes on where it was interrupted. Exits with 1 when files could not be read or tagged.
    """
    from fewshot_metalstm.cli.progress import TerminalProgress

    with TerminalProgress(quiet=quiet) as progress:
        report = run(progress=progress, **options)
    if as_json:
        print_json(report.as_dict())
    else:
        show(report)
    if report.failed:
        say(f"{len(report.failed)} files failed; the same command tries them again",
                   err=True)  # fmt: skip
        context.exit(FILES_FAILED)


def run(
    *,
    model: Path,
    inputs: tuple[Path, ...],
    output: Path,
    kind: str | None,
    documents: str,
    with_text: bool,
    workers: int,
    runner: str,
    retries: int,
    device: str,
    progress: Any,
) -> BulkReport:
    """Find the files, leave out what is done, tag the rest."""
    from fewshot_metalstm import runs
    from fewshot_metalstm.jobs.choose import RAY, choose, make_runner
    from fewshot_metalstm.jobs.folder import claimed
    from fewshot_metalstm.kinds.tagging.bulk.ray_data import RayDataRunner
    from fewshot_metalstm.kinds.tagging.bulk.run import (
        TagSetup,
        find_inputs,
        finished,
        plan_files,
        tag_files,
    )
    from fewshot_metalstm.kinds.tagging.bulk.tagging import TagSettings
    from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, load_model, read_config
    from fewshot_metalstm.machine import pick_device
    from fewshot_metalstm.version import __version__

    chosen = pick_device(device)
    cuda = chosen.type == "cuda"
    by_ray = choose(runner, cuda=cuda) == RAY
    how = RayDataRunner(workers) if by_ray else make_runner("pool", workers, cuda=cuda)
    folder = runs.model_folder(model, "tagger")
    load_model(folder, TAGGER)  # a damaged one is found before any worker starts
    settings = TagSettings(
        read_config(folder, TAGGER)["sha256"], documents, with_text, __version__
    )  # fmt: skip
    files, left = find_inputs(inputs, kind)
    if left:
        progress.note(f"note: {left} in folders left out: files whose names tell no kind, and "
                      "folders")  # fmt: skip
    # Workers may run in another folder, on Ray. A link goes by its own name.
    jobs = plan_files([path.absolute() for path in files], kind, output.resolve())
    done = sum(finished(job, settings) is not None for job in jobs)

    def on_file(report: Any) -> None:
        nonlocal done
        done += 1
        bad = ""
        if report.bad:
            bad = f", {report.bad} bad {'records' if report.bad > 1 else 'record'}"
            if not report.documents:  # nobody would look for why
                listed = output / "bad" / Path(report.output).name.removesuffix(".gz")
                bad += f" ({first_reason(listed)})"
        progress.note(f"{Path(report.input).name}: {report.documents} documents, "
                      f"{report.mentions} mentions{bad} ({report.seconds:.1f} s)")  # fmt: skip
        progress.advance(done, {})

    def on_failure(name: str, failure: Any, again: bool) -> None:
        progress.note(f"{Path(name).name}: {'failed, to be tried again' if again else 'failed'}: "
                      f"{failure.reason}")  # fmt: skip

    with claimed(output, "tagged files"):
        progress.phase("files", len(jobs), done)
        setup = TagSetup(folder.resolve(), settings, str(chosen))
        return tag_files(jobs, setup, how, output, retries=retries, on_file=on_file,
                         on_failure=on_failure)  # fmt: skip


def first_reason(listed: Path) -> str:
    """Why the first record that a file of bad records lists could not be read."""
    with listed.open(encoding="utf-8") as lines:
        return str(json.loads(next(lines))["reason"])


def show(report: BulkReport) -> None:
    """Print the summary."""
    from rich.table import Table

    from fewshot_metalstm.cli.terminal import Terminal

    table = Table(show_header=False)
    rows = [
        ("files", str(len(report.files))),
        ("skipped, done before", str(len(report.skipped))),
        ("failed", str(len(report.failed))),
        ("documents", str(report.total("documents"))),
        ("mentions", str(report.total("mentions"))),
        ("bad records", str(report.total("bad"))),
        ("records/s", f"{report.rate:.1f}"),
        ("seconds", f"{report.seconds:.1f}"),
    ]
    for name, value in rows:
        table.add_row(name, value)
    console = Terminal(width=None if sys.stdout.isatty() else 120)
    console.print(table)
    console.print(f"output: {report.output}", highlight=False, soft_wrap=True)
    if report.total("bad"):
        console.print(f"bad records: {report.output}/bad", highlight=False, soft_wrap=True)
    for name, failure in report.failed:
        console.print(f"failed: {name}: {failure.reason}", highlight=False, soft_wrap=True,
                      markup=False)  # fmt: skip
