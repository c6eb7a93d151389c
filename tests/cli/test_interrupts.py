"""Ctrl-C: one line and exit code 130, whatever a command and its processes are at."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.cli import main as entry
from fewshot_metalstm.interrupts import held_back
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, save_model
from tests.cli.builders import start
from tests.kinds.tagging.bulk.builders import article, pubmed
from tests.kinds.tagging.tagger.builders import model

WHEN_IMPORTED = """
import os, signal, sys
from fewshot_metalstm.__main__ import start

class Interrupting:
    def find_spec(self, name, *_):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Interrupting())
sys.argv[1:] = ["settings"]
sys.exit(start())
"""


@pytest.mark.parametrize("name", ["click", "fewshot_metalstm.cli.main", "yaml"])
def test_while_modules_are_imported(name: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WHEN_IMPORTED.format(name=name)], capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (130, "interrupted\n")


def test_a_second_time_and_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    from fewshot_metalstm.__main__ import start as begin

    def twice() -> int:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        monkeypatch.setattr(entry, "main", twice)
        assert begin() == 130
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(pipe: Connection[Any, Any]) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    pipe.send("alive")


def test_a_process_is_never_told() -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_tell, args=(theirs,))
    with held_back():
        process.start()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert ours.recv() == "alive"
    process.join()


def test_tag_corpus_while_its_workers_start(tmp_path: Path) -> None:
    save_model(model(2, TAGGER), tmp_path / "tagger")
    for part in range(2):
        (tmp_path / f"{part}.xml").write_bytes(pubmed(article(str(part), "A mouse.")))
    command = ["tag-corpus", str(tmp_path / "tagger"), "0.xml", "1.xml", "--output", "out",
               "--runner", "pool", "--workers", "2"]  # fmt: skip
    with start(command, tmp_path) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        os.killpg(process.pid, signal.SIGINT)
        _, rest = process.communicate(timeout=60)
    assert (process.returncode, first + rest) == (130, "files: 2 to do\ninterrupted\n")
