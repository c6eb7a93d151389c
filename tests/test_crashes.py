"""kill -9 at any moment: what was complete stays whole, and a second start goes on or says how.

A few moments are tried; with FEWSHOT_METALSTM_CRASHES=all every moment at which a file is touched.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, save_model
from fewshot_metalstm.seeds import numpy_generator
from fewshot_metalstm.tracking.store import tracking_uri
from tests.cli.builders import adapt, meta_train, settings
from tests.crashes import Crashing, crashing
from tests.kinds.tagging.corpora.builders import FILES, serving
from tests.kinds.tagging.tagger.builders import digests, model

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
    modules = ("sweep.run", "tracking.adaptation", "tracking.meta_training", "tracking.sweep",
               "kinds.tagging.adapt.documents", "kinds.tagging.formats.bioc_xml",
               "kinds.tagging.shipping.pack")  # fmt: skip
    names = [*(f"fewshot_metalstm.{name}" for name in modules), "pyarrow.parquet"]
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
    from fewshot_metalstm.kinds.tagging.tagger.model import load_model

    for config in folder.rglob("config.json"):
        if not any(part.startswith(".") for part in config.relative_to(folder).parts):
            load_model(config.parent)
    for old in folder.glob(".checkpoint.*.part/new"):
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
        assert not list(output.rglob(".*.part")), "what was left is removed"
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


def documents(path: Path, number: int) -> Path:
    """A file of annotated documents that takes a while to write."""
    numbers = numpy_generator(0, "documents")
    with path.open("w", encoding="utf-8") as file:
        for n in range(number):
            noise = numbers.bytes(400).hex(" ", 5)  # which does not pack
            text = " ".join(["IL-2 in the mouse, and p53 in none."] * 10 + [noise])
            mentions = [[i, i + 4, "Gene"] for i in range(0, 360, 36)]
            file.write(json.dumps({"id": f"d{n}", "text": text, "mentions": mentions}) + "\n")
    return path


def content(path: Path) -> dict[str, bytes]:
    """What is in a file, or in the files of a folder; nothing where nothing is."""
    if path.is_file():
        return {"": path.read_bytes()}
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def ends_whole(
    forks: Crashing, command: Callable[[Path], list[str]], name: str, tmp_path: Path
) -> None:
    """A command that writes ``name``, killed at moments of all kinds and typed again."""
    before = time.monotonic()
    whole = tmp_path / "count" / name
    ended = forks.run(command(whole), tmp_path / "count")
    length = time.monotonic() - before
    assert ended.code == 0, ended
    expected = content(whole)
    assert expected
    clock = numpy_generator(0, name, "seconds").uniform(0.02, 1.0, size=FEW // 2) * length
    trials = [{"kill_at": n} for n in moments(ended.changes, name)]
    for number, trial in enumerate([*trials, *({"seconds": float(s)} for s in clock)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        place = folder / name
        earlier: dict[str, bytes] = {}
        if whole.is_file():  # a folder that holds anything is not written over
            place.write_bytes(b"what was here before\n")
            earlier = content(place)
        ended = forks.run(command(place), folder, **trial)  # type: ignore[arg-type]
        assert ended.code in (-9, -14, 0), (trial, ended)
        assert content(place) in (earlier, expected), trial
        if whole.is_dir() and content(place):
            continue  # it was done
        ended = forks.run(command(place), folder)
        assert ended.code == 0, (trial, ended)
        assert content(place) == expected
        assert [path.name for path in folder.iterdir()] == [name], "what was left is removed"


@pytest.mark.parametrize(
    ("to", "name"),
    [("brat", "out"), ("jsonl", "out.jsonl"), ("bioc-xml", "out.xml"), ("parquet", "out.parquet")],
)
def test_convert(forks: Crashing, to: str, name: str, tmp_path: Path) -> None:
    source = documents(tmp_path / "in.jsonl", 50 if to == "brat" else 200)
    ends_whole(forks, lambda out: ["convert", str(source), str(out), "--to", to], name, tmp_path)


def test_convert_of_splits(forks: Crashing, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for split in ("train", "test"):
        documents(tmp_path / "in" / f"{split}.jsonl", 25)

    def command(out: Path) -> list[str]:
        return ["convert", str(tmp_path / "in"), str(out), "--to", "brat"]

    ends_whole(forks, command, "out", tmp_path)


def test_predict_to_a_file(forks: Crashing, tmp_path: Path) -> None:
    save_model(model(2, TAGGER), tmp_path / "tagger")
    source = documents(tmp_path / "in.jsonl", 6)

    def command(out: Path) -> list[str]:
        return ["predict", str(tmp_path / "tagger"), str(source), "--output", str(out)]

    ends_whole(forks, command, "out.xml", tmp_path)


def test_pack(forks: Crashing, trained: Path, tmp_path: Path) -> None:
    def command(out: Path) -> list[str]:
        return ["pack", str(trained), "--output", str(out)]

    save_model(model(), tmp_path / "other")
    shutil.copytree(tmp_path / "other", tmp_path / "count" / "small")
    ended = forks.run(command(tmp_path / "count" / "small"), tmp_path / "count")
    assert ended.code == 0, ended
    expected = digests(tmp_path / "count" / "small")
    for moment in moments(ended.changes, "pack"):
        folder = tmp_path / str(moment)
        shutil.copytree(tmp_path / "other", folder / "small")
        earlier = digests(folder / "small")
        assert forks.run(command(folder / "small"), folder, moment).code == -9
        assert digests(folder / "small") in (earlier, expected)
        assert forks.run(command(folder / "small"), folder).code == 0
        assert digests(folder / "small") == expected
        assert [path.name for path in folder.iterdir()] == ["small"]


@pytest.mark.slow
def test_register(tmp_path: Path) -> None:
    """A version that was registered stays whole, whatever comes of the next one."""
    tagger = tmp_path / "tagger"
    save_model(model(2, TAGGER), tagger)
    names = ("fewshot_metalstm.tracking.registry", "fewshot_metalstm.kinds.tagging.serving.pyfunc")
    with crashing({"MLFLOW_DISABLE_TELEMETRY": "true"}, *names) as forks:

        def command(store: Path) -> list[str]:
            return ["register", str(tagger), "--name", "mine", "--tracking-uri", str(store)]

        store = tmp_path / "count" / "store"
        assert forks.run(command(store), tmp_path / "first").code == 0
        before = content(store / "artifacts")
        changes = forks.run(command(store), store).changes
        assert changes > 5
        second = content(store / "artifacts")
        for moment in moments(changes, "register")[:2]:
            assert forks.run(command(store), store, moment).code == -9
            there = content(store / "artifacts")
            assert {name: there[name] for name in second} == second
            ended = forks.run(command(store), tmp_path / "again")
            assert ended.code == 0, (moment, ended)
            second = content(store / "artifacts")
    assert {name: second[name] for name in before} == before
    from mlflow.tracking import MlflowClient

    found = MlflowClient(tracking_uri(str(store))).search_model_versions("name='mine'")
    whole = [v for v in found if v.status == "READY"]
    assert len(whole) >= 4


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
