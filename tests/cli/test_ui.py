"""`fewshot-metalstm ui`: the right store, and errors before a server is started."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.tracking import supervised
from tests.serving import free_port, wait_for


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], str]]:
    """What would have been started: the commands, and whether reports are off."""
    calls: list[tuple[list[str], str]] = []

    def serve(command: list[str], environment: dict[str, str]) -> int:
        calls.append((command, environment["MLFLOW_DISABLE_TELEMETRY"]))
        return 0

    monkeypatch.setattr(supervised, "serve", serve)
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_DISABLE_TELEMETRY"):
        monkeypatch.delenv(name, raising=False)
    return calls


def wait_until_free(port: int) -> None:
    """Until nobody listens at a port any more."""
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server is still there")


def make_database(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("create table t (x)")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("arguments", "variable", "file"),
    [
        ([], None, "runs/mlflow/mlflow.db"),
        ([], "sqlite:///env.db", "env.db"),
        (["--tracking-uri", "option"], "sqlite:///env.db", "option/mlflow.db"),
    ],
)
def test_ui_serves_the_store_that_the_other_commands_write_to(
    started: list[tuple[list[str], str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    variable: str | None,
    file: str,
) -> None:
    if variable:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", variable)
    make_database(tmp_path / file)
    port = free_port()
    with pytest.raises(SystemExit):
        main(["ui", "--port", str(port), *arguments])
    ((command, telemetry),) = started
    assert command[1:4] == ["-m", "mlflow", "server"]
    assert command[command.index("--backend-store-uri") + 1] == f"sqlite:///{tmp_path / file}"
    assert command[command.index("--port") + 1] == str(port)
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert telemetry == "true"
    assert f"http://127.0.0.1:{port}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("nothing-here", "run fewshot-metalstm meta-train"),
        ("http://127.0.0.1:9", "open it in a browser"),
        ("file:///x", "no longer keeps runs"),
    ],
)
def test_ui_without_a_store_is_one_line(
    started: list[tuple[list[str], str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    uri: str,
    says: str,
) -> None:
    assert main(["ui", "--tracking-uri", uri]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert started == []
    assert list(tmp_path.iterdir()) == []


def test_ui_on_a_busy_port_is_one_line(
    started: list[tuple[list[str], str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_database(tmp_path / "x.db")
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert main(["ui", "--tracking-uri", "x.db", "--port", str(port)]) == 2
    error = capsys.readouterr().err
    assert f"127.0.0.1:{port}" in error
    assert "--port" in error
    assert error.count("\n") == 1
    assert started == []


@pytest.mark.slow
def test_ui_serves_real_runs(tmp_path: Path) -> None:
    from fewshot_metalstm.tracking.tracker import open_tracker

    with open_tracker(str(tmp_path / "store"), "test").run("r"):
        pass
    port = free_port()
    arguments = ["ui", "--tracking-uri", str(tmp_path / "store"), "--port", str(port)]
    server = subprocess.Popen(
        [sys.executable, "-m", "fewshot_metalstm", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
    )
    try:
        assert "MLflow" in wait_for(f"http://127.0.0.1:{port}/", server)
    finally:
        server.kill()
        server.wait(30)
    wait_until_free(port)
