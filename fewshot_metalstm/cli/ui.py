"""``fewshot-metalstm ui``: MLflow's UI on the store that the other commands write to."""

from __future__ import annotations

import os
import sys

import click

from fewshot_metalstm.cli.tables import say


@click.command()
@click.option("--tracking-uri", metavar="URI|FOLDER", help="The store to open.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=5000,
    show_default=True,
    help="Port to serve on.",
)
@click.option("--open", "open_browser", is_flag=True, help="Open a browser at the address.")
def ui(tracking_uri: str | None, host: str, port: int, open_browser: bool) -> None:
    """Open the tracked runs in MLflow's UI.

    The store is --tracking-uri, else MLFLOW_TRACKING_URI, else runs/mlflow below the current
    folder. Ctrl-C ends the server. The address that is printed opens the comparison of the
    adapted taggers: by target, shots and method, with their means and the columns that matter.
    """
    from fewshot_metalstm.tracking.server import (
        open_when_ready,
        server_command,
        server_environment,
        server_url,
    )
    from fewshot_metalstm.tracking.shared_view import comparison_page
    from fewshot_metalstm.tracking.store import tracking_uri as resolve
    from fewshot_metalstm.tracking.supervised import serve

    uri = resolve(tracking_uri, create=False)
    command = server_command(uri, host, port)
    say(f"runs: {uri}")
    url = server_url(host, port)
    page = comparison_page(uri)
    say(f"open in a browser (Ctrl-C here ends it): {url}{page or ''}")
    if open_browser:
        open_when_ready(url, page or "")
    sys.stdout.flush()
    sys.exit(serve(command, server_environment(os.environ)))
