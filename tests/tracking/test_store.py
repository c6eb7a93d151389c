"""Where runs are kept: option, environment, default; paths and URIs; what is refused."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.tracking.store import (
    artifact_location,
    sqlite_path,
    store_exists,
    tracking_uri,
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def test_option_wins_over_environment_over_default(here: Path) -> None:
    env = {"MLFLOW_TRACKING_URI": "sqlite:///env.db"}
    assert tracking_uri("sqlite:///option.db", environ=env) == f"sqlite:///{here}/option.db"
    assert tracking_uri(None, environ=env) == f"sqlite:///{here}/env.db"
    assert tracking_uri(None, environ={}) == f"sqlite:///{here}/runs/mlflow/mlflow.db"
    assert (here / "runs/mlflow").is_dir()


@pytest.mark.parametrize(
    ("given", "file"),
    [
        ("folder", "folder/mlflow.db"),
        ("a b/c", "a b/c/mlflow.db"),
        ("x/my.db", "x/my.db"),
        ("x/my.sqlite", "x/my.sqlite"),
        ("sqlite:///rel/x.db", "rel/x.db"),
    ],
)
def test_paths_become_absolute_sqlite_uris(here: Path, given: str, file: str) -> None:
    uri = tracking_uri(given)
    assert uri == f"sqlite:///{here / file}"
    assert sqlite_path(uri) == here / file
    assert (here / file).parent.is_dir()
    assert artifact_location(uri) == ((here / file).parent / "artifacts").as_uri()


def test_query_of_a_sqlite_uri_stays_and_is_no_part_of_the_path(here: Path) -> None:
    uri = tracking_uri("sqlite:///x.db?timeout=20")
    assert uri == f"sqlite:///{here}/x.db?timeout=20"
    assert sqlite_path(uri) == here / "x.db"


@pytest.mark.parametrize("uri", ["http://localhost:5000", "postgresql://u@h/d", "databricks"])
def test_servers_pass_unchanged(uri: str) -> None:
    assert tracking_uri(uri) == uri
    assert sqlite_path(uri) is None
    assert artifact_location(uri) is None
    assert store_exists(uri)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("file:///old/mlruns", "sqlite:////old/mlruns/mlflow.db"),
        ("sqlite://", "sqlite:///FILE.db"),
        ("sqlite:///:memory:", "sqlite:///FILE.db"),
        ("ftp://host/x", "unknown kind of tracking store 'ftp'"),
        ("what?", "cannot hold '?'"),
        ("note.txt", "is a file, not a folder"),
        ("junk.db", "is not a SQLite database"),
        ("note.txt/x", "cannot be written"),
        ("sqlite:///.", "is a folder, not a database"),
    ],
)
def test_what_cannot_hold_runs_is_one_line_that_says_why(here: Path, given: str, says: str) -> None:
    (here / "note.txt").write_text("not a store")
    (here / "junk.db").write_text("not a database either, whatever its name says")
    with pytest.raises(UserError) as caught:
        tracking_uri(given)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "--tracking-uri" in str(caught.value)


def test_the_variable_is_named_when_it_is_to_blame() -> None:
    with pytest.raises(UserError, match="MLFLOW_TRACKING_URI"):
        tracking_uri(None, environ={"MLFLOW_TRACKING_URI": "file:///x"})


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_unwritable_folder(here: Path) -> None:
    (here / "locked").mkdir(mode=0o500)
    with pytest.raises(UserError, match="cannot be written"):
        tracking_uri("locked")


def test_looking_makes_nothing(here: Path) -> None:
    uri = tracking_uri(None, create=False)
    assert not store_exists(uri)
    assert list(here.iterdir()) == []


def test_an_existing_database_is_accepted_and_an_empty_file_is_no_store(here: Path) -> None:
    connection = sqlite3.connect(here / "real.db")
    connection.execute("create table t (x)")
    connection.commit()
    connection.close()
    assert store_exists(tracking_uri("real.db"))
    (here / "empty.db").touch()
    assert not store_exists(tracking_uri("empty.db"))
