"""Opening an MLflow store: quietly, without telling anyone, and with errors that say what to do.

The only modules that import MLflow are this one and
:mod:`fewshot_metalstm.tracking.mlflow_tracker`, and only inside functions or after
:func:`quieten`.
"""

from __future__ import annotations

import logging
import os
import tempfile
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.tracking.store import artifact_location, path_uri, sqlite_path, store_exists

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_SERVER_SECONDS = 5.0


def quieten() -> None:
    """Turn MLflow's usage reports off, unless the user turned them on; call before its import.

    A tool that runs on private text must not send anything anywhere unasked.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


def connect(uri: str) -> MlflowClient:
    """A client of the store at ``uri``; a SQLite database is made when it is not there.

    Raises:
        UserError: the store cannot be opened.
    """
    quieten()
    local = sqlite_path(uri) is not None
    check = "the file and the room on its disk" if local else "the address"
    if uri.startswith(("http://", "https://")):
        _check_server(uri)
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with _silent_logs():
            if not store_exists(uri):
                _create_database(uri)
            client = MlflowClient(tracking_uri=uri)
            client.search_experiments(max_results=1)
    except (MlflowException, SQLAlchemyError, ImportError) as problem:
        if "out-of-date database schema" in str(problem):
            raise UserError(
                f"tracking store {uri}: was made by an older MLflow; "
                f"back it up, then run: mlflow db upgrade {uri}"
            ) from problem
        raise UserError(
            f"tracking store {uri}: cannot be opened ({one_line(problem)}); "
            f"check {check}, or choose another store with --tracking-uri"
        ) from problem
    return client


def find_experiment(client: MlflowClient, uri: str, name: str) -> str:
    """The identifier of an experiment, which is made when absent and restored when deleted.

    Raises:
        UserError: the store cannot be written.
    """
    from mlflow.exceptions import MlflowException

    for last in (False, True):
        found = client.get_experiment_by_name(name)
        if found is not None:
            if found.lifecycle_stage == "deleted":
                client.restore_experiment(found.experiment_id)
            return str(found.experiment_id)
        try:
            return str(client.create_experiment(name, artifact_location(uri)))
        except MlflowException as problem:
            if last:
                raise UserError(
                    f"tracking store {uri}: cannot make experiment {name!r} "
                    f"({one_line(problem)}); choose another store with --tracking-uri"
                ) from problem
    raise AssertionError("unreachable")


def one_line(problem: Exception) -> str:
    """The first line of an exception's text, shortened to what fits a line of a terminal."""
    lines = str(problem).strip().splitlines() or [type(problem).__name__]
    return lines[0] if len(lines[0]) <= 200 else lines[0][:199] + "…"


def _create_database(uri: str) -> None:
    """Make the database beside its place, then link it there.

    Making the tables takes seconds. Runs that start together, or one that is killed meanwhile,
    must never meet a half-made database.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    path = sqlite_path(uri)
    if path is None:
        return
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as folder:
        fresh = Path(folder) / path.name
        store = SqlAlchemyStore(path_uri(fresh), artifact_location(uri))  # type: ignore[no-untyped-call]
        store.engine.dispose()  # close every connection: the file is about to move
        SqlAlchemyStore._engine_map.pop(path_uri(fresh), None)
        if path.is_file() and path.stat().st_size == 0:
            os.replace(fresh, path)
            return
        try:
            os.link(fresh, path)  # unlike a rename, never over another run's database
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            if not path.exists():
                os.replace(fresh, path)


def _check_server(uri: str) -> None:
    """See that a server answers: MLflow itself would retry for minutes before it gives up."""
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=_SERVER_SECONDS):
            pass
    except urllib.error.HTTPError:
        pass  # it answers; whether it lets us in is for MLflow's own client to find out
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "reason", problem)
        raise UserError(
            f"tracking server {uri}: does not answer ({reason}); "
            "start it, or choose another store with --tracking-uri"
        ) from problem


@contextmanager
def _silent_logs() -> Iterator[None]:
    """Keep migration messages and MLflow's own deprecations off the terminal."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    import mlflow  # its import sets the levels that are changed here

    del mlflow
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    # It prints the traceback of what it raises too: a full disk, a locked database.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    try:
        # MLflow's models use what its database library is about to drop: nothing of the user's.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
