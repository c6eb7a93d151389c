"""kill -9 at any moment: what was complete stays whole, and a second start goes on or says how.

A few moments are tried; with FEWSHOT_METALSTM_CRASHES=all every moment at which a file is touched.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fewshot_metalstm.seeds import numpy_generator
from tests.cli.builders import adapt, meta_train, settings
from tests.corpora.builders import FILES, serving
from tests.crashes import Crashing, crashing
from tests.tagging.builders import digests

EVERY = os.environ.get("FEWSHOT_METALSTM_CRASHES") == "all"
FEW = 4


def moments(changes: int, *name: str) -> list[int]:
    """The changes to be killed at: some of them, or all."""
    if EVERY:
        return list(range(1, changes + 1))
    chosen = numpy_generator(0, *name).choice(changes, size=min(FEW, changes), replace=False)
    return sorted(int(i) + 1 for i in chosen)


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashing]:
    cache = str(tmp_path_factory.mktemp("cache"))
    modules = ("sweep.run", "tracking.adaptation", "tracking.meta_training", "tracking.sweep")
    names = [f"fewshot_metalstm.{name}" for name in modules]
    with crashing({"FEWSHOT_METALSTM_CACHE": cache}, *names) as process:
        yield process


@pytest.fixture(scope="module")
def trained(forks: Crashing, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A meta-training that nobody killed."""
    output = tmp_path_factory.mktemp("whole") / "run"
    ended = forks.run(meta_train(output, "--quiet"), output)
    assert ended.code == 0, ended.err
    return output


def whole_models(folder: Path) -> None:
    """Every model that stands in its place is whole, and none was taken away for its successor."""
    from fewshot_metalstm.tagging.model import load_model

    for config in folder.rglob("config.json"):
        if not any(part.startswith(".") for part in config.relative_to(folder).parts):
            load_model(config.parent)
    for old in folder.glob(".checkpoint-*"):
        if (old / "config.json").is_file() and (folder / "history.jsonl").is_file():
            text = (folder / "history.jsonl").read_text()
            if text.count('"validation"') > 1:
                assert (folder / "checkpoint").is_dir()


def test_meta_train(forks: Crashing, trained: Path, tmp_path: Path) -> None:
    changes = forks.run(meta_train(tmp_path / "count" / "run", "--quiet"), tmp_path / "count")
    assert changes.changes > 30
    for moment in moments(changes.changes, "meta-train"):
        output = tmp_path / str(moment) / "run"
        command = meta_train(output, "--quiet")
        ended = forks.run(command, tmp_path / str(moment), moment)
        assert ended.code == -9, (moment, ended)
        whole_models(output)
        again = [*command, "--resume"] if (output / "config.yaml").exists() else command
        ended = forks.run(again, tmp_path / str(moment))
        if ended.code == 2:  # killed between the first file and the settings
            assert "holds a run already; name another folder, or remove it" in ended.err, moment
            assert not (output / "state" / "training.safetensors").exists()
            shutil.rmtree(output)
            ended = forks.run(command, tmp_path / str(moment))
        assert ended.code == 0, (moment, ended)
        assert digests(output / "checkpoint") == digests(trained / "checkpoint"), moment
        assert (output / "history.jsonl").read_text() == (trained / "history.jsonl").read_text()


def test_adapt(forks: Crashing, trained: Path, tmp_path: Path) -> None:
    more = ["--checkpoint", str(trained), "--draws", "1", "--quiet"]
    before = digests(trained)
    changes = forks.run(adapt(tmp_path / "count" / "run", *more), tmp_path / "count").changes
    assert changes > 5
    for moment in moments(changes, "adapt"):
        output = tmp_path / str(moment) / "run"
        command = adapt(output, *more)
        assert forks.run(command, tmp_path / str(moment), moment).code == -9
        whole_models(output)
        ended = forks.run(command, tmp_path / str(moment))
        if ended.code == 2:
            assert "name another folder, or remove it" in ended.err
            assert ended.err.count("\n") == 1
        else:
            assert ended.code == 0, (moment, ended)
    assert digests(trained) == before


def test_sweep(forks: Crashing, trained: Path, tmp_path: Path) -> None:
    def command(output: Path) -> list[str]:
        return ["sweep", "--targets", "demo-species", "--shots", "5", "--draws", "0-1",
                "--methods", "meta", "--checkpoint", str(trained), "--output", str(output),
                "--runner", "pool", "--workers", "1", "--no-tracking", "--quiet",
                *settings(["adapt.epochs=1", "adapt.min_steps=2", "adapt.averages=1"])]  # fmt: skip

    whole = tmp_path / "count" / "s"
    changes = forks.run(command(whole), tmp_path / "count").changes
    assert changes > 5
    for moment in moments(changes, "sweep"):
        output = tmp_path / str(moment) / "s"
        assert forks.run(command(output), tmp_path / str(moment), moment).code == -9
        done = {path: path.read_bytes() for path in output.glob("cells/*.json")}
        for content in done.values():
            json.loads(content)
        ended = forks.run(command(output), tmp_path / str(moment))
        assert ended.code == 0, (moment, ended)
        assert all(path.read_bytes() == content for path, content in done.items())
        assert rows(output) == rows(whole)


def rows(output: Path) -> object:
    return json.loads((output / "report.json").read_text())["rows"]


def test_data_fetch(tmp_path: Path) -> None:
    files = {f"/data/tiny-IOBES/{split}.tsv": text for split, text in FILES.items()}
    with (
        serving(files) as server,
        crashing({"FEWSHOT_METALSTM_MIRROR": server.address, "no_proxy": "127.0.0.1"}) as forks,
    ):

        def command(folder: Path) -> list[str]:
            return ["data", "fetch", "tiny", "--quiet", "--data-dir", str(folder)]

        changes = forks.run(command(tmp_path / "count"), tmp_path / "count").changes
        assert changes > 5
        for moment in range(1, changes + 1):  # each takes no time
            folder = tmp_path / str(moment) / "data"
            assert forks.run(command(folder), folder, moment).code == -9
            place = folder / "col" / "data" / "tiny-IOBES"
            for split, text in FILES.items():
                if (place / f"{split}.tsv").exists():
                    assert (place / f"{split}.tsv").read_bytes() == text
            ended = forks.run(command(folder), folder)
            assert ended.code == 0, (moment, ended)
            left = {path.name for path in place.iterdir()}
            assert left - {".fewshot-metalstm-lock"} == {f"{split}.tsv" for split in FILES}
