"""Taggers as MLflow models: logged, registered, loaded, served."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pandas
import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

import mlflow
from fewshot_metalstm.api import Tagger
from fewshot_metalstm.cli.main import main
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.card import tagger_card
from fewshot_metalstm.kinds.tagging.kind import TAGGING
from fewshot_metalstm.kinds.tagging.serving.pyfunc import LIMITS
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, load_model, save_model
from fewshot_metalstm.tracking import registry
from fewshot_metalstm.tracking.registry import LoggedModel, log_adapted, requirements
from fewshot_metalstm.tracking.served_texts import check_texts as check
from fewshot_metalstm.tracking.store import tracking_uri
from tests.encoders.fakes import REFERENCE
from tests.kinds.tagging.tagger.builders import model
from tests.kinds.tagging.tagger.test_context import model as reads_with_an_encoder
from tests.serving import free_port, wait_for

TEXTS = ["The cell was in w1.\nWe saw it.", "", "日 É cell"]


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tagger") / "tagger"
    save_model(model(2, TAGGER), folder)
    return folder


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tracking_uri(str(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="module")
def logged(tagger: Path, uri: str) -> LoggedModel:
    """The tagger, registered by the command."""
    before = mlflow.get_tracking_uri()
    assert main(["register", str(tagger), "--name", "mine", "--tracking-uri", uri]) == 0
    assert mlflow.get_tracking_uri() == before
    version = MlflowClient(uri).get_model_version("mine", "1")
    assert version.tags["types"] == "T0, T1"
    return LoggedModel(str(version.run_id), str(version.source), "mine", 1)


@pytest.fixture
def folder(logged: LoggedModel, uri: str) -> Iterator[Path]:
    """The folder of the logged model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        yield Path(mlflow.artifacts.download_artifacts(logged.uri))


def expected(tagger: Path) -> list[list[dict[str, Any]]]:
    from dataclasses import asdict

    return [[asdict(m) for m in found] for found in Tagger.from_pretrained(tagger).tag(TEXTS)]


def test_a_logged_tagger_tags_a_table(folder: Path, tagger: Path) -> None:
    loaded = mlflow.pyfunc.load_model(str(folder))
    table = pandas.DataFrame({"text": TEXTS}, index=[7, 8, 9])
    found = loaded.predict(table)
    assert found["mentions"].tolist() == expected(tagger)
    assert list(found.index) == [7, 8, 9]
    assert sum(map(len, found["mentions"])) > 2
    with pytest.raises(MlflowException, match="missing inputs"):
        loaded.predict(pandas.DataFrame({"words": TEXTS}))


def test_limits_of_a_batch_are_the_callers_to_choose(folder: Path) -> None:
    config = {"max_rows": 2, "max_characters": 30}
    loaded = mlflow.pyfunc.load_model(str(folder), model_config=config)
    loaded.predict(pandas.DataFrame({"text": ["x" * 15] * 2}))
    with pytest.raises(MlflowException, match="3 rows; send at most 2"):
        loaded.predict(pandas.DataFrame({"text": TEXTS}))
    with pytest.raises(MlflowException, match="31 characters; send at most 30"):
        loaded.predict(pandas.DataFrame({"text": ["x" * 31]}))
    check(["x"] * (LIMITS["max_rows"] + 1), {"max_rows": 0, "max_characters": 0})
    with pytest.raises(MlflowException, match=r"row 1 .* has no text"):
        check(["x", None], LIMITS)


async def asked(app: Any, value: object) -> tuple[int, str]:
    """Status and body of what an ASGI application answers to a request for predictions."""
    received = [{"type": "http.request", "body": json.dumps(value).encode()}]
    sent: list[Any] = []

    async def receive() -> Any:
        if not received:
            await asyncio.sleep(600)  # the client waits
        return received.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
        "method": "POST", "path": "/invocations", "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip
    await app(scope, receive, send)
    return sent[0]["status"], b"".join(m.get("body", b"") for m in sent).decode()


def test_limits_that_were_registered_are_those_of_the_server(tagger: Path, uri: str) -> None:
    """MLflow's scoring application, without a process of its own."""
    from mlflow.pyfunc import scoring_server

    command = ["register", str(tagger), "--max-rows", "2", "--max-characters", "30"]
    with redirect_stdout(StringIO()) as printed:
        assert main([*command, "--tracking-uri", uri, "--json"]) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        model = mlflow.pyfunc.load_model(json.loads(printed.getvalue())["uri"])
    app = scoring_server.init(model)
    for texts, status, says in (
        (["x" * 15] * 2, 200, '"predictions"'),
        (["x"] * 3, 400, "3 rows; send at most 2 at once"),
        (["x" * 31], 400, "31 characters; send at most 30 at once"),
    ):
        code, answer = asyncio.run(asked(app, {"inputs": {"text": texts}}))
        assert (code, says in answer) == (status, True), answer


def test_what_is_logged_is_whole_and_pinned(folder: Path, logged: LoggedModel, uri: str) -> None:
    pinned = (folder / "requirements.txt").read_text().split()
    assert pinned == requirements(TAGGING.serving())
    assert all("==" in line and "+" not in line for line in pinned)
    assert {line.split("==")[0] for line in pinned} >= {"torch", "numpy", "safetensors", "mlflow"}
    assert (folder / "code/fewshot_metalstm/kinds/tagging/serving/pyfunc.py").is_file()
    assert not list((folder / "code").rglob("*.safetensors"))
    assert not list(folder.rglob("*.pkl")), "models from code are not pickled"
    assert (folder / "input_example.json").is_file()
    run = MlflowClient(uri).get_run(logged.run_id)
    assert run.data.tags["kind"] == "model"
    assert run.info.status == "FINISHED"


def test_it_needs_nothing_but_what_it_names(folder: Path, tmp_path: Path) -> None:
    """Loaded where the package is hidden, and what is not required is not imported."""
    code = (
        "import sys, importlib.abc\n"
        "class Hidden(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('gensim', 'higher', 'seqeval', 'rich', 'platformdirs',\n"
        "                                  'learn2learn', 'bioc', 'spacy'):\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
        "import mlflow, pandas, warnings\n"
        f"loaded = mlflow.pyfunc.load_model({str(folder)!r})\n"
        "print(len(loaded.predict(pandas.DataFrame({'text': ['the cell']}))))\n"
        "import fewshot_metalstm; print(fewshot_metalstm.__file__)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True,
        env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "FEWSHOT_METALSTM_JIT": "0"},
    )  # fmt: skip
    rows, place = result.stdout.split()[-2:]
    assert rows == "1"
    assert Path(place).is_relative_to(folder / "code"), "its own code, not what is installed"


def test_names_and_folders_that_cannot_be(
    tagger: Path, uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(model(), tmp_path / "checkpoint")
    for arguments, says in (
        ([str(tagger), "--name", "a/b"], "'a/b'"),
        ([str(tmp_path / "checkpoint")], "is a checkpoint, not a tagger"),
        ([str(tmp_path / "nowhere")], "holds no model"),
        ([str(tagger), "--run-id", "none"], "does not take the model"),
    ):
        assert main(["register", *arguments, "--tracking-uri", uri]) == 2
        printed = capsys.readouterr()
        assert says in printed.err
        assert printed.err.count("\n") == 1
    with pytest.raises(UserError, match="cannot be empty"):
        log_adapted(tagger, uri, register=" ")


def test_a_package_that_is_not_there_is_not_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import PackageNotFoundError

    def version(name: str) -> str:
        if name == "numba":
            raise PackageNotFoundError(name)
        return "1.0+cpu"

    monkeypatch.setattr(registry, "version", version)
    assert all(line.endswith("==1.0") for line in requirements(TAGGING.serving()))
    assert not any(line.startswith("numba") for line in requirements(TAGGING.serving()))


def test_an_encoder_brings_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "version", lambda name: "1.0")
    own = replace(REFERENCE, kind="translation")
    for name, reference, package in (("a", REFERENCE, "transformers"), ("b", own, "tokenizers")):
        reading = replace(reads_with_an_encoder(), encoder=reference)
        save_model(replace(reading, kind=TAGGER, types=("Cell",)), tmp_path / name)
        pinned = requirements(TAGGING.serving(), tmp_path / name)
        assert set(pinned) - set(requirements(TAGGING.serving())) == {f"{package}==1.0"}
        page = tagger_card(load_model(tmp_path / name, TAGGER), "mine")
        assert f"the frozen encoder `{reference.name}`" in page
        assert f"the package `{package}`" in page
    save_model(replace(model(), kind=TAGGER, types=("Cell",)), tmp_path / "none")
    assert requirements(TAGGING.serving(), tmp_path / "none") == requirements(TAGGING.serving())
    assert "encoder" not in tagger_card(load_model(tmp_path / "none", TAGGER), "mine")


@pytest.mark.slow
def test_mlflow_serves_it(logged: LoggedModel, uri: str, tagger: Path) -> None:
    port = free_port()
    command = ["models", "serve", "-m", f"models:/{logged.name}/{logged.version}",
               "--env-manager", "local", "--port", str(port)]  # fmt: skip
    binaries = str(Path(sys.executable).parent)
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", *command],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env=os.environ | {
            "MLFLOW_TRACKING_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1",
            "FEWSHOT_METALSTM_JIT": "0",  # its own copy of the code would be compiled first
            "PATH": os.pathsep.join([binaries, os.environ.get("PATH", "")]),
        },
    )  # fmt: skip

    def ask(path: str, body: Any = None) -> tuple[int, str]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    try:
        wait_for(f"http://127.0.0.1:{port}/ping", server)
        status, answer = ask("/invocations", {"dataframe_records": [{"text": t} for t in TEXTS]})
        assert status == 200, answer
        found = [row["mentions"] for row in json.loads(answer)["predictions"]]
        for mentions, given in zip(found, expected(tagger), strict=True):
            assert [m.pop("confidence") for m in mentions] == pytest.approx(
                [m.pop("confidence") for m in given], abs=1e-3
            )
            assert mentions == given
        status, answer = ask("/invocations", {"inputs": {"text": ["x"] * 10_001}})
        assert status == 400
        assert "10001 rows; send at most 10000" in json.loads(answer)["message"]
        status, answer = ask("/invocations", {"inputs": {"text": ["x" * 5_000_001]}})
        assert status == 400
        assert "5000001 characters; send at most 5000000" in json.loads(answer)["message"]
        status, answer = ask("/invocations", {"inputs": {"words": ["x"]}})
        assert status == 400
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
