"""Starting MLflow's UI on a store. Imports no MLflow: the server is a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Mapping

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.tracking.store import artifact_location, store_exists

_OPENER = """
import sys, time, urllib.request, webbrowser
for _ in range(240):
    try:
        urllib.request.urlopen(sys.argv[1] + "/health", timeout=2).close()
    except OSError:
        time.sleep(0.5)
    else:
        webbrowser.open(sys.argv[2])
        break
"""


def server_command(uri: str, host: str, port: int) -> list[str]:
    """The command that serves the UI of the store at ``uri`` on ``host``:``port``.

    Raises:
        UserError: the store is not there yet, is a server already, or the port is taken.
    """
    if uri.startswith(("http://", "https://")) or uri == "databricks":
        raise UserError(f"{uri}: is a tracking server with a UI of its own; open it in a browser")
    if not store_exists(uri):
        raise UserError(
            f"{uri}: no tracked runs there yet; run fewshot-metalstm meta-train or demo first, "
            "or name another store with --tracking-uri"
        )
    _check_port(host, port)
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri]
    artifacts = artifact_location(uri)
    if artifacts is not None:
        command += ["--default-artifact-root", artifacts]
    # One worker: a server for one person, and a SQLite store has one writer anyway.
    return [*command, "--host", host, "--port", str(port), "--workers", "1"]


def server_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The server's environment: usage reports off unless turned on, no background job runner."""
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    return quiet | dict(environ)


def server_url(host: str, port: int) -> str:
    """The address to open in a browser on this machine."""
    name = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def open_when_ready(url: str, page: str) -> None:
    """Open ``page`` of a server in a browser once it answers, from a process of its own."""
    subprocess.Popen(
        [sys.executable, "-c", _OPENER, url, url + page], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: a port that a server has just left is not taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            reason = problem.strerror or str(problem)
            raise UserError(
                f"cannot serve on {host}:{port} ({reason}); choose another with --port or --host"
            ) from problem
