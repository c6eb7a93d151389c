"""The answers that the page is made of."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fewshot_metalstm.kinds.tagging.formats import read_documents
from fewshot_metalstm.kinds.tagging.formats.table import WRITABLE
from tests.kinds.tagging.annotate.builders import annotate, mark, serving


def test_what_the_page_begins_with(tmp_path: Path) -> None:
    with serving(tmp_path / "p") as (client, _):
        project = client.get("/api/project")
        assert project["name"] == "p"
        assert project["sentences"] == 24
        assert project["types"] == ["Strain", "Time"]
        assert project["statuses"] == "o" * 24
        assert set(project["formats"]) == set(WRITABLE)
        assert project["learns"] is False
        status = client.get("/api/status")
        assert (status["done"], status["skipped"], status["can_undo"]) == (0, 0, False)
        assert client.get("/api/next") == {"sentence": 0}
        lines = client.get("/api/sentences?at=3,0")
        assert [each["number"] for each in lines] == [3, 0]
        assert lines[1]["text"] == "Cells of W303 were grown for 2 days."
        whole = client.get("/api/sentences?full&at=1")[0]
        assert whole["before"] == lines[1]["text"]
        assert whole["text"][slice(*whole["tokens"][1])] == "0"


def test_acting(tmp_path: Path) -> None:
    with serving(tmp_path / "p") as (client, project):
        answer = client.post("/api/act", {**mark(0, ("Strain", 9, 13)), "seen": 0})
        assert answer["sentence"]["spans"] == [["Strain", [[9, 13]]]]
        assert answer["sentence"]["seen"] == 1
        assert answer["status"]["can_undo"]
        done = mark(0, ("Strain", 9, 13), how="done", status="done", seen=1)
        assert client.post("/api/act", done)["status"]["done"] == 1
        assert client.get("/api/project")["statuses"][:2] == "do"
        assert client.get("/api/next?not=1") == {"sentence": 2}
        client.post("/api/act", mark(1, how="skip", status="skipped"))
        assert client.get("/api/next") == {"sentence": 2}
        # Another window, which has not seen that.
        stale = client.post("/api/act", {**mark(0), "seen": 1}, 409)
        assert stale["changed"]
        assert client.post("/api/act", {"do": "undo"})["sentence"]["number"] == 1
        assert client.post("/api/act", {"do": "redo"})["status"]["skipped"] == 1
        assert (
            client.post("/api/act", {"do": "type", "name": "Rate"})["status"]["types"][2] == "Rate"
        )
        assert "already" in client.post("/api/act", {"do": "type", "name": "Rate"}, 400)["error"]
        assert "no type" in client.post("/api/act", mark(0, ("Gene", 0, 1)), 400)["error"]
        assert len(project.journal.entries) == 6
    with serving(tmp_path / "p") as (client, project):  # and all of it is there again
        assert client.get("/api/project")["statuses"][:3] == "dso"
        assert client.get("/api/project")["types"] == ["Strain", "Time", "Rate"]
        assert client.get("/api/status")["last"] == [0]


def test_a_full_disk_is_said_and_work_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path / "p") as (client, _):

        def full(descriptor: int, data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            answer = client.post("/api/act", mark(0, ("Strain", 9, 13)), 507)
        assert answer["full"]
        assert "not saved" in answer["error"]
        assert "free some space" in answer["error"]
        assert client.get("/api/sentences?full&at=0")[0]["spans"] == []
        client.post("/api/act", mark(0, ("Strain", 9, 13)))
        assert len(client.get("/api/sentences?full&at=0")[0]["spans"]) == 1


def test_searching(tmp_path: Path) -> None:
    with serving(tmp_path / "p") as (client, _):
        found = client.get("/api/search?words=%20CELLS%20%20of%20w303")
        assert found == {"sentences": [0, 12], "all": 2}
        assert client.get("/api/search?words=nothing%20so")["all"] == 0


def test_exports_are_read_again(tmp_path: Path) -> None:
    with serving(tmp_path / "p") as (client, project):
        assert "no sentence is annotated" in client.post(
            "/api/export", {"format": "jsonl"}, 422
        )["error"]  # fmt: skip
        annotate(project, 4)
        for name in sorted(set(WRITABLE) - {"docbin", "parquet"}):
            made = client.post("/api/export", {"format": name})
            assert (made["documents"], made["mentions"]) == (4, 2)
            found = list(read_documents(made["path"], name))
            mentions = [
                document.text[mention.start : mention.end]
                for document in found for mention in document.mentions
            ]  # fmt: skip
            assert mentions == ["W303", "BY4741"], name
        again = client.post("/api/export", {"format": "brat"})
        assert again["path"].endswith("sentences-brat-2")
        whole = client.post("/api/export", {"format": "jsonl", "what": "documents"})
        (document,) = read_documents(whole["path"])
        assert document.id == "text"
        assert [document.text[m.start : m.end] for m in document.mentions] == ["W303", "BY4741"]


def test_adapting_without_a_checkpoint(tmp_path: Path) -> None:
    with serving(tmp_path / "p") as (client, _):
        assert client.post("/api/adapt", {}) == {"begun": False}


def test_the_server_needs_no_torch() -> None:
    """It starts at once; only the process that learns takes the seconds to import it."""
    code = (
        "import sys, fewshot_metalstm.kinds.tagging.annotate.server as s, "
        "fewshot_metalstm.kinds.tagging.annotate.serve; "
        "assert not {'torch', 'numpy', 'mlflow', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
