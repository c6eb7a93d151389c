"""The interface of Label Studio's machine-learning backends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.kinds.tagging.annotate.label_config import labelling
from fewshot_metalstm.kinds.tagging.annotate.label_studio import Backend, BackendConfig
from fewshot_metalstm.kinds.tagging.annotate.label_studio_server import backend_application
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, save_model
from tests.cli.builders import QUICK, settings
from tests.kinds.tagging.annotate.builders import HOST, Client
from tests.kinds.tagging.tagger.builders import model
from tests.pretrained.builders import checkpoint

CONFIG = """<View><Labels name="label" toName="text">
<Label value="T0"/><Label value="Strain"/></Labels><Text name="text" value="$body"/></View>"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Client, Backend]]:
    """A backend of a tagger of the type T0."""
    save_model(model(kind=TAGGER, types=1), tmp_path / "tagger")
    (tmp_path / "out").mkdir()
    backend = Backend(BackendConfig(tmp_path / "out", tmp_path / "tagger", None))
    yield Client(backend_application(backend, (HOST,))), backend
    backend.close()


def task(number: int, text: str = "Cells of W303 grew.") -> dict[str, Any]:
    return {"id": number, "data": {"body": text}}


def submitted(number: int, annotation: int = 7, **more: Any) -> dict[str, Any]:
    region = {"id": "r", "from_name": "label", "to_name": "text", "type": "labels",
              "value": {"start": 9, "end": 13, "text": "W303", "labels": ["Strain"]}}  # fmt: skip
    return {"action": "ANNOTATION_CREATED", "task": task(number),
            "annotation": {"id": annotation, "result": [region], **more},
            "project": {"id": 1, "label_config": CONFIG}}  # fmt: skip


def test_health_setup_and_predict(served: tuple[Client, Backend]) -> None:
    client, backend = served
    plain = {"authorization": None, "origin": None, "sec-fetch-site": None}
    health = client.ask("/health", headers=plain)
    assert (health.status, health.json()["status"]) == (200, "UP")
    body = {"project": "1.2", "schema": CONFIG, "hostname": "http://localhost:8080",
            "access_token": "x"}  # fmt: skip
    assert client.post("/setup", body) == {"model_version": backend.version}
    text = "𓀀 T0 in the cell. It grew."
    given = {"tasks": [task(1), task(2, text)], "label_config": CONFIG, "params": {}}
    answer = client.post("/predict", given)
    assert len(answer["results"]) == 2
    units = text.encode("utf-16-le")
    for each in answer["results"][1]["result"]:
        value = each["value"]
        assert units[2 * value["start"] : 2 * value["end"]].decode("utf-16-le") == value["text"]
        assert value["labels"] == ["T0"]
        assert (each["from_name"], each["to_name"], each["type"]) == ("label", "text", "labels")
        assert 0 <= each["score"] <= 1
    # Labels that the project lacks are not proposed.
    other = client.post("/predict", {**given, "label_config": CONFIG.replace("T0", "U")})
    assert [each["result"] for each in other["results"]] == [[], []]


@pytest.mark.parametrize(
    "given",
    [
        {}, {"tasks": 3, "label_config": CONFIG}, {"tasks": [task(1)]},
        {"tasks": [{"id": 1}], "label_config": CONFIG}, {"tasks": [3], "label_config": CONFIG},
        {"tasks": [], "label_config": "<View/>"}, {"tasks": [], "label_config": "<View"},
        {"tasks": [], "label_config": f'<!DOCTYPE a [<!ENTITY b "c">]>{CONFIG}'},
    ],
)  # fmt: skip
def test_what_is_not_understood_is_said(
    served: tuple[Client, Backend], given: dict[str, Any]
) -> None:
    assert served[0].post("/predict", given, 400)["error"]


def test_pages_of_others_are_refused(served: tuple[Client, Backend]) -> None:
    client, backend = served
    for headers in ({"origin": "http://evil.example"}, {"host": "evil.example:7777"},
                    {"content-type": "text/plain"}):  # fmt: skip
        assert client.ask("/webhook", "POST", b"{}", headers=headers).status in (403, 415, 421)
    assert backend.submitted == 0


def test_what_was_submitted_is_kept(served: tuple[Client, Backend]) -> None:
    client, backend = served
    for number in (1, 2, 3):
        client.post("/webhook", submitted(number, number), 201)
    client.post("/webhook", submitted(1, 1), 201)  # again
    assert backend.submitted == 3
    client.post("/webhook", {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 2}]}, 201)
    client.post("/webhook", submitted(3, 3, was_cancelled=True), 201)
    client.post("/webhook", {"action": "PROJECT_UPDATED", "project": {}}, 201)
    assert client.post("/webhook", {"action": "ANNOTATION_CREATED"}, 400)["error"]
    assert client.post("/webhook", {"action": "START_TRAINING"}, 201)["adapting"] is False
    assert backend.submitted == 1
    again = Backend(backend.config)
    assert again.submitted == 1
    again.close()


@pytest.mark.slow
def test_it_adapts_to_what_was_submitted(tmp_path: Path) -> None:
    save_model(checkpoint(), tmp_path / "c")
    (tmp_path / "out").mkdir()
    more = tuple(settings(QUICK))
    backend = Backend(BackendConfig(tmp_path / "out", None, tmp_path / "c", 3, more))
    client = Client(backend_application(backend, (HOST,)))
    given = {"tasks": [task(1)], "label_config": CONFIG}
    assert client.post("/predict", given)["results"][0]["result"] == []
    for number in range(3):
        begun = client.post("/webhook", submitted(number, number), 201)["adapting"]
        assert begun is (number == 2)
    end = time.monotonic() + 120
    while backend.adapting:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert backend.problem == ""
    assert backend.version.endswith("-3")
    assert client.post("/predict", given)["model_version"] == backend.version
    backend.close()
    again = Backend(BackendConfig(tmp_path / "out", None, tmp_path / "c"))
    assert again.version == backend.version
    again.close()


def test_configurations() -> None:
    found = labelling(CONFIG)
    assert (found.from_name, found.to_name, found.key) == ("label", "text", "body")
    assert found.labels == ("T0", "Strain")
    with pytest.raises(ValueError, match="no <Labels>"):
        labelling('<View><Labels name="l" toName="i"/><Image name="i" value="$x"/></View>')
