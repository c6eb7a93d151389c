"""Where the runs are kept: from an option or the environment to one tracking URI.

MLflow's folder-of-files store is closed to new runs, so a local store is a SQLite file with the
artifacts in a folder beside it. A database server or an MLflow server is named by its own URI.
Nothing here imports MLflow.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fewshot_metalstm.errors import UserError

EXPERIMENT = "fewshot-metalstm"  # that all runs belong to
DEFAULT_FOLDER = Path("runs") / "mlflow"
DATABASE_NAME = "mlflow.db"
ARTIFACTS_NAME = "artifacts"

_SQLITE_HEADER = b"SQLite format 3\x00"
_DATABASE_SUFFIXES = (".db", ".sqlite", ".sqlite3")
_SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")


def tracking_uri(
    option: str | None,
    *,
    folder: Path = DEFAULT_FOLDER,
    environ: Mapping[str, str] | None = None,
    create: bool = True,
) -> str:
    """The tracking URI of a command: its option, then ``MLFLOW_TRACKING_URI``, then ``folder``.

    A plain path is accepted beside URIs: a folder gets ``mlflow.db`` inside it, a path that ends
    in ``.db``, ``.sqlite`` or ``.sqlite3`` is the database itself. SQLite paths come back
    absolute, so that a later change of folder does not move the store.

    Args:
        option: what the user gave as ``--tracking-uri``, or None.
        folder: where the default store lives, relative to the current folder.
        environ: the environment; ``os.environ`` when None.
        create: make the folder of a SQLite store and check that it can be written.

    Raises:
        UserError: the URI is of a kind that cannot hold runs, or its folder cannot be written.
    """
    env = os.environ if environ is None else environ
    given, source = option, "--tracking-uri"
    if not given:
        given, source = env.get("MLFLOW_TRACKING_URI"), "MLFLOW_TRACKING_URI"
    if not given:
        given, source = str(folder), "the default tracking folder"
    uri = _normalise(given, source)
    path = sqlite_path(uri)
    if path is not None and create:
        _check_writable(path, source)
    return uri


def sqlite_path(uri: str) -> Path | None:
    """The database file of a ``sqlite:`` URI; None for every other kind of store."""
    if not _scheme(uri).startswith("sqlite"):
        return None
    return Path(uri.split(":///", 1)[1].split("?", 1)[0])


def artifact_location(uri: str) -> str | None:
    """The ``file:`` URI of the artifacts beside a SQLite store.

    None for any other store: there the server, or MLflow's own default, decides.
    """
    path = sqlite_path(uri)
    return None if path is None else (path.parent / ARTIFACTS_NAME).absolute().as_uri()


def store_exists(uri: str) -> bool:
    """Whether a local store already holds a database; True for stores that are not local."""
    path = sqlite_path(uri)
    return path is None or (path.is_file() and path.stat().st_size > 0)


def _scheme(uri: str) -> str:
    # A Windows drive letter is a one-letter scheme to urlsplit; a real scheme is longer.
    head = uri.split(":", 1)[0].lower() if ":" in uri else ""
    return head if len(head) > 1 else ""


def _normalise(given: str, source: str) -> str:
    scheme = _scheme(given)
    if scheme == "file":
        folder = unquote(urlsplit(given).path) or "."
        cure = f"give {path_uri(Path(folder) / DATABASE_NAME)}"
        raise UserError(
            f"{source} {given}: MLflow no longer keeps runs in a folder of files; {cure}"
        )
    if not scheme and given != "databricks":
        path = Path(given).expanduser()
        is_database = path.suffix in _DATABASE_SUFFIXES and not path.is_dir()
        if not is_database and path.is_file():
            raise UserError(
                f"{source} {given}: is a file, not a folder; give a folder or a file ending in .db"
            )
        return path_uri(path if is_database else path / DATABASE_NAME, source)
    kind = scheme.split("+", 1)[0]
    if kind == "sqlite":
        return _absolute_sqlite(given, source)
    if given != "databricks" and kind not in _SCHEMES:
        raise UserError(
            f"{source} {given}: unknown kind of tracking store {scheme!r}; "
            "give a folder, sqlite:///FILE.db or http(s)://SERVER"
        )
    return given


def _absolute_sqlite(given: str, source: str) -> str:
    head, separator, tail = given.partition(":///")
    if not separator or not tail or tail.startswith(":memory:"):
        raise UserError(
            f"{source} {given}: runs kept in memory are lost at the end; give sqlite:///FILE.db"
        )
    name, mark, query = tail.partition("?")
    return f"{head}:///{_absolute(Path(name).expanduser())}{mark}{query}"


def path_uri(path: Path, source: str = "the tracking path") -> str:
    """The ``sqlite:`` URI of a database file, absolute.

    Raises:
        UserError: the path holds a ``?``, which would end the path inside a URI.
    """
    absolute = _absolute(path)
    if "?" in absolute:
        raise UserError(f"{source} {path}: a tracking path cannot hold '?'; choose another folder")
    return f"sqlite:///{absolute}"


def _absolute(path: Path) -> str:
    return path.absolute().as_posix()


def _check_writable(path: Path, source: str) -> None:
    """Make the folder of a database and see that files can be made there.

    Checked beforehand because MLflow would try to connect for a minute and a half before it
    gives up on such a path.
    """
    if path.is_dir():
        cure = f"give {path_uri(path / DATABASE_NAME)}"
        raise UserError(f"{source} {path}: is a folder, not a database; {cure}")
    cure = "choose another place with --tracking-uri"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # SQLite writes its journal beside the database: the folder itself must be writable.
        with tempfile.TemporaryFile(dir=path.parent):
            pass
        if path.exists():
            with path.open("r+b") as handle:
                header = handle.read(len(_SQLITE_HEADER))
            if header and header != _SQLITE_HEADER:
                raise UserError(f"{source} {path}: is not a SQLite database; {cure}")
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise UserError(f"{source} {path}: cannot be written ({reason}); {cure}") from problem
