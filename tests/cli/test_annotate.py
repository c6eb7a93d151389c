"""``fewshot-metalstm annotate`` as a user runs it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm import runs
from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, save_model
from tests.cli.builders import refused, run_json, start
from tests.kinds.tagging.tagger.builders import model

TEXT = "Mice were infected.\nRats were not.\n"


def ask(address: str, path: str, body: Any = None) -> Any:
    """What the server of a printed address answers."""
    place, _, token = address.partition("#")
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(place + path, data, headers)) as answer:
        return json.load(answer)


def address_of(process: subprocess.Popen[str]) -> str:
    """The address that a command prints when it listens."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://127\.0\.0\.1:\d+/#\S+", line):
            return found[0]
    raise AssertionError(process.stderr.read() if process.stderr else "")


def test_a_sitting(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(TEXT)
    begin = ["annotate", "t.txt", "--types", "Species, Drug", "-o", "mine", "--no-browser",
             "--checkpoint", "none", "--no-tracking"]  # fmt: skip
    with start(begin, tmp_path) as process:
        address = address_of(process)
        assert ask(address, "api/project")["types"] == ["Species", "Drug"]
        spans = [["Species", [[0, 4]]]]
        ask(address, "api/act", {"do": "mark", "sentence": 0, "how": "done", "status": "done",
                                 "spans": spans, "rejected": []})  # fmt: skip
        with start(["annotate", "-o", "mine", "--no-browser"], tmp_path) as second:
            said = second.communicate(timeout=120)[1]
            assert second.returncode == 2
            assert (
                f"another process is writing an annotation project there (process {process.pid}"
                in said
            )
        process.send_signal(signal.SIGINT)
        printed, said = process.communicate(timeout=120)
        assert (process.returncode, said) == (0, "")
        assert "mine: 1 of 2 sentences are annotated" in printed
    with start(
        ["annotate", "-o", "mine", "--no-browser", "--checkpoint", "none"], tmp_path
    ) as again:
        status = ask(address_of(again), "api/status")
        assert (status["done"], status["actions"]) == (1, 1)


def test_what_it_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "t.txt"
    text.write_text(TEXT)
    command = ["annotate", str(text), "--types", "A", "-o", str(tmp_path / "p"), "--no-browser"]
    said = refused([*command, "--host", "0.0.0.0"], capsys)
    assert "there is no TLS" in said
    assert "--i-know-there-is-no-tls" in said
    assert "is no IP address" in refused([*command, "--host", "nowhere",
                                          "--i-know-there-is-no-tls"], capsys)  # fmt: skip
    assert "say what to mark with --types" in refused(
        ["annotate", str(text), "-o", str(tmp_path / "q")], capsys
    )
    assert "reviews" in refused([*command, "--checkpoint", "reviews"], capsys)


def test_other_commands_take_a_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its tagger is what they mean; ``register`` too, as it asks for it in the same way."""
    mine, text = tmp_path / "mine", tmp_path / "t.txt"
    save_model(model(kind=TAGGER, types=1), mine / "tagger")
    text.write_text(TEXT)
    assert runs.adapted_folder(mine) == mine / "tagger"
    assert main(["predict", str(mine), str(text), "--quiet"]) == 0
    page = tmp_path / "t.html"
    assert main(["view", str(mine), str(text), "-o", str(page)]) == 0
    assert "Mice" in page.read_text()
    gold = tmp_path / "gold.tsv"
    gold.write_text("Mice\tS-T0\nran\tO\n\n")
    capsys.readouterr()
    found = run_json(["evaluate", str(mine), "--target", str(gold)], capsys)
    assert found["mentions"] == 1
    assert main(["suggest", str(mine), str(text), "-n", "1", "--quiet"]) == 0
