"""The process that learns, with a tiny checkpoint: what it proposes and judges, and if it dies."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.kinds.tagging.annotate.adapter import Adapter, AdapterConfig
from fewshot_metalstm.kinds.tagging.annotate.learning import Learning
from fewshot_metalstm.kinds.tagging.annotate.project import examples
from fewshot_metalstm.kinds.tagging.annotate.server import application
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, load_model, save_model
from tests.cli.builders import QUICK
from tests.kinds.tagging.annotate.builders import HOST, TOKEN, Client, annotate, mark, project
from tests.pretrained.builders import checkpoint

PATIENCE = 120.0


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint."""
    folder = tmp_path_factory.mktemp("checkpoint") / "c"
    save_model(checkpoint(), folder)
    return folder


def until(true: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_choosing_adapting_and_judging(start: Path, tmp_path: Path) -> None:
    with project(tmp_path / "p") as found:
        learning = Learning(found.text, start, QUICK, 0, tmp_path / "p" / "tagger")
        first = learning.first(6, closed=[0, 1])
        assert len(set(first)) == 6
        assert not {0, 1} & set(first)
        assert first == learning.first(6, closed=[0, 1])
        assert learning.read([3]) == ({}, {})
        assert learning.next(5, [], []) == ([], ({}, {}))
        annotate(found, 10)
        given = examples(found, found.done())
        made = learning.adapt(given)
        assert made.types == ("Strain",)
        assert load_model(tmp_path / "p" / "tagger", TAGGER).about["support_sentences"] == 10
        assert (tmp_path / "p" / "tagger" / "MODEL_CARD.md").is_file()
        order, proposals = learning.next(8, found.done(), given)
        assert len(set(order)) == 8
        assert not set(order) & set(found.done())
        assert proposals.of.keys() == proposals.likely.keys() == set(order)
        every = learning.read(list(range(24)))
        assert not any(span in every.likely[i] for i in every.of for span in every.of[i])
        for number, spans in [*every.of.items(), *every.likely.items()]:
            for name, ((a, b),), sure in spans:
                assert name == "Strain"
                assert found.text.sentence(number)[a:b].strip()
                assert 0 <= sure <= 1
        folds = learning.folds(given, lambda: True)
        assert folds is not None
        assert 1 <= len(folds) <= 5
        assert all(0 <= f1 <= 100 for f1 in folds)
        assert learning.folds(given, lambda: False) is None
        again = Learning(found.text, start, QUICK, 0, tmp_path / "p" / "tagger")
        assert again.read([12]) == learning.read([12])  # the tagger that was written


@pytest.fixture
def served(start: Path, tmp_path: Path) -> Iterator[tuple[Client, Adapter]]:
    with project(tmp_path / "p") as found:
        adapter = Adapter(found, AdapterConfig(start, 5, tuple(QUICK)))
        adapter.start()
        yield Client(application(found, adapter, TOKEN, (HOST,))), adapter
        child = adapter._child
        adapter.close()
        assert child is None or child.poll() is not None


@pytest.mark.slow
def test_it_adapts_when_it_is_time_and_again_after_it_was_killed(
    served: tuple[Client, Adapter],
) -> None:
    client, adapter = served
    until(lambda: adapter.learned.order)
    chosen = client.get("/api/next")["sentence"]
    assert chosen == adapter.learned.order[0]
    for i in range(6):  # with no mention among them there is nothing to adapt to
        adapter.project.act(mark(i, how="done", status="done"))
    assert client.post("/api/adapt", {}) == {"begun": False}
    assert client.get("/api/status")["due"] == 5
    adapter.project.act({"do": "undo"})
    adapter.project.act({"do": "undo"})
    annotate(adapter.project, 4)
    annotate_one(adapter, 4)
    until(lambda: adapter.learned.points)
    status = client.get("/api/status")
    assert (status["learned"], status["problem"], status["due"]) == (5, "", 10)
    assert status["points"][0]["sentences"] == 5
    (open_one,) = client.get(f"/api/sentences?full&at={adapter.learned.order[0]}")
    assert open_one["proposals"] == adapter.learned.proposals[open_one["number"]]
    assert open_one["likely"] == adapter.learned.likely[open_one["number"]]
    # What is rejected is not proposed again, nor what overlaps a mention that is marked.
    number = open_one["number"]
    adapter.learned.proposals[number] = [["Strain", [[0, 5]], 0.5], ["Strain", [[6, 9]], 0.25]]
    adapter.learned.likely[number] = [["Time", [[0, 9]], 0.1], ["Time", [[10, 12]], 0.1]]
    client.post("/api/act", mark(number, rejected=[["Strain", [[0, 5]]]], how="reject"))
    (open_one,) = client.get(f"/api/sentences?full&at={number}")
    assert open_one["proposals"] == [["Strain", [[6, 9]], 0.25]]
    client.post("/api/act", mark(number, ("Time", 8, 12)))
    (open_one,) = client.get(f"/api/sentences?full&at={number}")
    assert open_one["proposals"] == [["Strain", [[0, 5]], 0.5]]
    assert open_one["likely"] == []
    # Annotation goes on without the process, and the next sentence that counts starts it again.
    assert adapter._child is not None
    os.kill(adapter._child.pid, signal.SIGKILL)
    until(lambda: adapter._child is None)
    assert "has ended (exit code -9" in client.get("/api/status")["problem"]
    for i in range(5, 10):
        annotate_one(adapter, i)
    until(lambda: adapter.learned.sentences == 10)
    assert client.get("/api/status")["problem"] == ""
    stored = json.loads((adapter.project.folder / "learned.json").read_text())
    assert stored["points"][0]["sentences"] == 5


def annotate_one(adapter: Adapter, number: int) -> None:
    adapter.project.act(mark(number, ("Strain", 0, 5), how="done", status="done"))
