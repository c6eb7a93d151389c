"""``fewshot-metalstm annotate``: a local page on which text is annotated, and a tagger learns."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli.options import (
    Folder,
    no_tracking_option,
    own_seed_option,
    quiet_option,
    set_option,
    tracking_uri_option,
)
from fewshot_metalstm.cli.tables import say
from fewshot_metalstm.kinds.tagging.cli.format_options import format_option

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.tagging.annotate.project import Project


@click.command("annotate")
@click.argument("text", type=click.Path(path_type=Path), required=False, metavar="[TEXT]")
@click.option("--types", metavar="A,B", default="",
              help="What to mark, in the order of the keys 1 to 9.  [default: the types that TEXT "
              "has]")  # fmt: skip
@click.option("-o", "--output", required=True, type=Folder(), metavar="FOLDER",
              help="The project: what was done, exports, and the tagger. One that is there goes "
              "on.")  # fmt: skip
@click.option("--checkpoint", metavar="FOLDER|NAME",
              help="What the tagger is adapted from; none: nothing is proposed.  [default: the "
              "first that ships]")  # fmt: skip
@click.option("--after", type=click.IntRange(1), default=5, show_default=True, metavar="N",
              help="Annotated sentences to adapt after; and again after as many more, or a fifth "
              "more.")  # fmt: skip
@click.option("--count-given", is_flag=True,
              help="Sentences of documents with mentions in TEXT count as annotated.")  # fmt: skip
@format_option
@set_option("adapt.epochs=60")
@own_seed_option
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N",
              help="Port of the page.  [default: one that is free]")  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Print the address and open no browser.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help="Address to listen on; one that other machines reach needs "
              "--i-know-there-is-no-tls.")  # fmt: skip
@click.option("--i-know-there-is-no-tls", "consent", is_flag=True,
              help="Let other machines reach the page, unencrypted: whoever reads the traffic can "
              "read and change all.")  # fmt: skip
@no_tracking_option
@tracking_uri_option
@quiet_option
def annotate(quiet: bool, **options: Any) -> None:
    """Annotate TEXT in the browser, with a tagger that learns meanwhile.

    TEXT is a file or folder of any format that `convert` reads, annotated or not. The page is
    served to this machine alone and loads nothing from elsewhere. After 5 annotated sentences, and
    again as work goes on, a checkpoint is adapted to them in a process of its own, and what it
    finds is proposed. Each action is on the disk before it counts; the same command, without
    TEXT, goes on with a project. Ctrl-C ends it.

    The tagger is FOLDER/tagger: `predict FOLDER notes.txt` uses it.
    """
    run(quiet=quiet, **options)


def run(
    *,
    text: Path | None,
    types: str,
    output: Path,
    checkpoint: str | None,
    after: int,
    count_given: bool,
    form: str | None,
    overrides: tuple[str, ...],
    seed: int | None,
    port: int,
    no_browser: bool,
    host: str,
    consent: bool,
    no_tracking: bool,
    tracking_uri: str | None,
    quiet: bool,
) -> None:
    """Open the project, listen, serve until Ctrl-C, and say what was done."""
    import threading
    import webbrowser

    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds.tagging.annotate.adapter import Adapter, AdapterConfig
    from fewshot_metalstm.kinds.tagging.annotate.project import Begin, opened
    from fewshot_metalstm.kinds.tagging.annotate.serve import (
        doorway,
        is_loopback,
        listen,
        serve,
    )
    from fewshot_metalstm.kinds.tagging.annotate.server import application

    if not is_loopback(host) and not consent:
        raise UserError(
            f"--host {host}: other machines could reach the page, and there is no TLS; forward a "
            "port with ssh -L, or add --i-know-there-is-no-tls"
        )
    names = tuple(dict.fromkeys(name.strip() for name in types.split(",") if name.strip()))
    begin = Begin(text, names, form, checkpoint, count_given)
    signal.signal(signal.SIGTERM, _leave)
    with opened(output, begin) as project:
        if not quiet:
            for note in project.notes:
                say(f"note: {note}", err=True)
        source = _checkpoint(checkpoint or project.about["checkpoint"])
        adapter = Adapter(project, AdapterConfig(source, after, overrides, seed or 0))
        before = len(project.journal.entries), len(adapter.learned.points)
        address = listen(host, port)
        if not is_loopback(host):
            say(f"warning: {host} can be reached by other machines, and there is no TLS", err=True)

        def ready() -> None:
            say(f"{project.name}: {len(project.text):,} sentences, {len(project.done())} annotated")
            say(f"open in a browser (Ctrl-C here ends it): {address.url}")
            sys.stdout.flush()
            adapter.start()
            if not no_browser:
                # In a thread, as a browser in the terminal would hold this one up.
                where = (door.absolute().as_uri(),)
                threading.Thread(target=webbrowser.open, args=where, daemon=True).start()

        try:
            with doorway(address, output) as door:
                app = application(project, adapter, address.token, address.hosts)
                serve(app, address, ready)
        except KeyboardInterrupt:
            pass
        finally:
            adapter.close()
        _farewell(project, output)
        if not no_tracking and len(project.journal.entries) > before[0]:
            _track(project, before[0], adapter.learned.points[before[1] :], tracking_uri)


def _checkpoint(given: str | None) -> Path | None:
    """The folder of a checkpoint by folder or name; the first that ships; None for ``none``."""
    from fewshot_metalstm import pretrained, runs
    from fewshot_metalstm.errors import UserError, at
    from fewshot_metalstm.kinds import registry

    if given == "none":
        return None
    if given is not None:
        folder = runs.model_folder(Path(given), pretrained.CHECKPOINT)
        kind = registry.of_model(folder)
        kind.read_config(folder, pretrained.CHECKPOINT)
        if kind.name != "tagging":
            raise at(folder, None, f"is a checkpoint of {kind.name}", "name one of taggers")
        return folder
    shipped = next(iter(pretrained.folders().values()), None)
    if shipped is None:
        raise UserError("no checkpoint ships with this installation; name one with --checkpoint, "
                        "or --checkpoint none to annotate without proposals")  # fmt: skip
    return shipped


def _farewell(project: Project, output: Path) -> None:
    done = len(project.done())
    say(f"{output}: {done} of {len(project.text):,} sentences are annotated")
    if (output / "tagger" / "config.json").is_file():
        say(f"Next: fewshot-metalstm predict {output} FILE")
    say(f"Go on: fewshot-metalstm annotate -o {output}")


def _track(project: Project, before: int, points: list[dict[str, Any]], uri: str | None) -> None:
    """Log the sitting; all of it is on the disk already, so that a store that fails is no error."""
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds.tagging.annotate.sitting import track
    from fewshot_metalstm.tracking.meta_training import EXPERIMENT
    from fewshot_metalstm.tracking.tracker import open_tracker

    try:
        track(open_tracker(uri, EXPERIMENT), project, before, points)
    except UserError as error:
        say(f"warning: the figures of this sitting are not tracked: {error}", err=True)


def _leave(number: int, frame: Any) -> None:
    raise SystemExit(128 + number)
