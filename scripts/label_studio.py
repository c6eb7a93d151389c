"""Hold ``fewshot-metalstm label-studio`` against a real Label Studio.

    python3 -m venv ls && ls/bin/pip install label-studio
    python scripts/label_studio.py ls/bin/label-studio

Label Studio is started with a data folder of its own, a project is made by its API, the backend is
connected, annotations are submitted, and the adapted tagger's predictions are asked for. Each step
is printed; the first that goes wrong ends the script.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE = 600.0
PORT = 8089
# Label Studio refuses backends, and webhooks, on its own machine otherwise.
LOCAL = {"ML_BLOCK_LOCAL_IP": "false", "USE_DEFAULT_BANNED_SUBNETS": "false"}
STRAINS = ("W303", "BY4741", "S288C", "AH109", "SK1", "Y187")
CONFIG = """<View><Labels name="label" toName="text"><Label value="Strain"/></Labels>
<Text name="text" value="$text"/></View>"""


def main() -> None:
    """The steps."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("program", type=Path, help="label-studio")
    parser.add_argument("--checkpoint", default="mtl-bio")
    given = parser.parse_args()
    token = secrets.token_hex(20)
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ, "LABEL_STUDIO_BASE_DATA_DIR": folder, "DEBUG": "false",
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true", "COLLECT_ANALYTICS": "False",
            "LATEST_VERSION_CHECK": "false", **LOCAL,
        }  # fmt: skip
        with Path(folder, "studio.log").open("wb") as log:
            studio = subprocess.Popen(
                [given.program, "start", "--no-browser", "--port", str(PORT), "--username",
                 "a@example.com", "--password", "a-long-password", "--user-token", token],
                env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        backend = subprocess.Popen(
            [sys.executable, "-m", "fewshot_metalstm", "label-studio", given.checkpoint, "--after",
             "6", "--port", "0", "--output", f"{folder}/backend"],
            stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            steps(Studio(f"http://127.0.0.1:{PORT}", token), address_of(backend))
        except BaseException:
            print(Path(folder, "studio.log").read_text(errors="replace")[-3000:])
            raise
        finally:
            for process in (backend, studio):
                process.terminate()
                process.wait()


class Studio:
    """Label Studio's API."""

    def __init__(self, place: str, token: str) -> None:
        self._place, self._token = place, token

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """The answer to a request."""
        request = urllib.request.Request(
            self._place + path, None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Token {self._token}", "Content-Type": "application/json"},
            method=method,
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {error.code} {error.read()[:500]!r}") from None
        return json.loads(text) if text else None


def steps(studio: Studio, address: str) -> None:
    """Make a project, connect, predict, submit, adapt, predict."""
    until(lambda: answers(studio), "Label Studio answers")
    project = studio.ask("/api/projects/", {"title": "strains", "label_config": CONFIG})["id"]
    print(f"project {project}")
    backend = studio.ask("/api/ml/", {"project": project, "url": address, "title": "meta-lstm"})
    print(f"connected: {backend.get('state')} {backend.get('model_version')!r}")
    hook = {"project": project, "url": f"{address}/webhook", "send_payload": True,
            "send_for_all_actions": True}  # fmt: skip
    studio.ask("/api/webhooks/", hook)
    texts = [f"Cells of {s} were grown for {n + 2} days." for n, s in enumerate(STRAINS * 2)]
    studio.ask(f"/api/projects/{project}/import", [{"text": each} for each in texts])
    tasks = studio.ask(f"/api/tasks?project={project}&page_size=100")["tasks"]
    assert len(tasks) == len(texts), tasks
    for task in sorted(tasks, key=lambda each: int(each["id"]))[:6]:
        text = task["data"]["text"]
        strain = text.split()[2]
        start = text.index(strain)
        region = {"from_name": "label", "to_name": "text", "type": "labels", "value": {
            "start": start, "end": start + len(strain), "text": strain, "labels": ["Strain"],
        }}  # fmt: skip
        studio.ask(f"/api/tasks/{task['id']}/annotations/", {"result": [region]})
    until(lambda: health(address)["submitted"] >= 6, "six tasks were submitted")
    until(lambda: health(address)["model_version"], "it has adapted")
    assert not health(address)["problem"], health(address)
    left = [task["id"] for task in tasks if task["id"] not in submitted(studio, project)]
    query = {"selectedItems": {"all": False, "included": left}, "project": project}
    studio.ask(f"/api/dm/actions?id=retrieve_tasks_predictions&project={project}", query)
    found = predictions(studio, project)
    print(f"{len(found)} predictions for {len(left)} open tasks")
    assert found, "no prediction came back"
    for each in found:
        words = [region["value"]["text"] for region in each["result"]]
        print(f"task {each['task']}: {words} (version {each['model_version']})")


def submitted(studio: Studio, project: int) -> set[int]:
    """The tasks that are annotated."""
    tasks = studio.ask(f"/api/tasks?project={project}&page_size=100")["tasks"]
    return {task["id"] for task in tasks if task["total_annotations"]}


def predictions(studio: Studio, project: int) -> list[Any]:
    """The predictions of a project."""
    return list(studio.ask(f"/api/predictions/?project={project}"))


def health(address: str) -> Any:
    """What the backend says of itself."""
    with urllib.request.urlopen(f"{address}/health", timeout=60) as answer:
        return json.load(answer)


def answers(studio: Studio) -> bool:
    """Whether Label Studio is up."""
    try:
        studio.ask("/api/projects/")
    except (OSError, RuntimeError):
        return False
    return True


def address_of(process: subprocess.Popen[str]) -> str:
    """The address that the backend prints."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found[0]
    raise SystemExit("the backend did not start")


def until(true: Callable[[], object], what: str) -> None:
    """Wait until something holds, and say so."""
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"waited too long until {what}")
        time.sleep(1)
    print(what, flush=True)


if __name__ == "__main__":
    main()
