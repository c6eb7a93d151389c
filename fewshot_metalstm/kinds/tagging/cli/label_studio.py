"""``fewshot-metalstm label-studio``: a tagger as a machine-learning backend of Label Studio."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import click

from fewshot_metalstm.cli.options import Folder, set_option
from fewshot_metalstm.cli.tables import say


@click.command("label-studio")
@click.argument("model", metavar="TAGGER|CHECKPOINT")
@click.option("-o", "--output", type=Folder(), default="label-studio", show_default=True,
              metavar="FOLDER",
              help="What was submitted, and the tagger that was adapted to it.")  # fmt: skip
@click.option("--checkpoint", metavar="FOLDER|NAME",
              help="What is adapted to what is submitted.  [default: MODEL, if it is a checkpoint; "
              "else nothing is]")  # fmt: skip
@click.option("--after", type=click.IntRange(1), default=20, show_default=True, metavar="N",
              help="Further submitted tasks to adapt after.")  # fmt: skip
@set_option("adapt.epochs=60")
@click.option("--port", type=click.IntRange(0, 65535), default=9090, show_default=True,
              metavar="N", help="Port to listen on.")  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help="Address to listen on; one that other machines reach needs "
              "--i-know-there-is-no-tls.")  # fmt: skip
@click.option("--i-know-there-is-no-tls", "consent", is_flag=True,
              help="Let other machines ask, unencrypted and without a password.")  # fmt: skip
def label_studio(**options: Any) -> None:
    """Serve MODEL to Label Studio: pre-annotations, and adapting to what is submitted.

    In Label Studio: Settings, Model, Connect Model, with the address that is printed; and Settings,
    Webhooks, with the address and /webhook behind it, for annotations that are created, updated and
    deleted. The project's labels are those that MODEL knows, over a Text. A tagger proposes from
    the first; a checkpoint when it has been adapted to --after submitted tasks. Ctrl-C ends it.
    """
    run(**options)


def run(
    *,
    model: str,
    output: Path,
    checkpoint: str | None,
    after: int,
    overrides: tuple[str, ...],
    port: int,
    host: str,
    consent: bool,
) -> None:
    """Load the model, listen, serve until Ctrl-C."""
    from fewshot_metalstm import runs
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds.tagging.annotate.label_studio import Backend, BackendConfig
    from fewshot_metalstm.kinds.tagging.annotate.label_studio_server import backend_application
    from fewshot_metalstm.kinds.tagging.annotate.serve import is_loopback, listen, serve
    from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, TAGGER, read_config
    from fewshot_metalstm.lock import locked

    if not is_loopback(host) and not consent:
        raise UserError(
            f"--host {host}: other machines could reach it, and there is no TLS and no password; "
            "run it beside Label Studio, or add --i-know-there-is-no-tls"
        )
    tagger = runs.model_folder(Path(model), TAGGER)
    start = None if checkpoint is None else runs.model_folder(Path(checkpoint), CHECKPOINT)
    found: Path | None = tagger
    if not (tagger / "config.json").is_file() or read_config(tagger)["kind"] == CHECKPOINT:
        found, start = None, start or runs.model_folder(Path(model), CHECKPOINT)
    if start is not None:
        read_config(start, CHECKPOINT)
    signal.signal(signal.SIGTERM, _leave)
    with locked(output, "the backend of a Label Studio project", keep=True):
        more = tuple(part for each in overrides for part in ("--set", each))
        backend = Backend(BackendConfig(output, found, start, after, more))
        address = listen(host, port)
        shown = f"http://{address.hosts[0]}"

        def ready() -> None:
            say(f"{backend.submitted} tasks were submitted before; "
                f"model: {backend.version or 'none yet'}")  # fmt: skip
            say(f"connect Label Studio to {shown}, and its webhook to {shown}/webhook "
                "(Ctrl-C here ends it)")  # fmt: skip
            sys.stdout.flush()

        try:
            serve(backend_application(backend, address.hosts), address, ready)
        except KeyboardInterrupt:
            pass
        finally:
            backend.close()


def _leave(number: int, frame: Any) -> None:
    raise SystemExit(128 + number)
