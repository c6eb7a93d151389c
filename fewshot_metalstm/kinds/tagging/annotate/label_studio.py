"""A machine-learning backend of Label Studio: pre-annotations, and adapting to what is submitted.

Label Studio asks ``/health`` and ``/setup`` when the backend is connected, ``/predict`` for tasks
that are opened, and tells ``/webhook`` what was submitted; ``/train`` is its older way to ask for
training (https://labelstud.io/guide/ml_create, https://labelstud.io/guide/webhook_reference).
What is submitted is kept in a journal, and adapted to by ``fewshot-metalstm adapt`` in a process of
its own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm.kinds.tagging.adapt.predict import Mention, Predictor
from fewshot_metalstm.kinds.tagging.annotate.journal import Journal
from fewshot_metalstm.kinds.tagging.annotate.label_config import Labelling, labelling
from fewshot_metalstm.kinds.tagging.formats.offsets import UTF16, Ruler
from fewshot_metalstm.writing import write_text

SUBMITTED, TASKS, RUN, LOG = "submitted.jsonl", "submitted.json", "adapted", "adapt.log"
AFTER = 20
_SUBMITS = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED")


@dataclass(frozen=True)
class BackendConfig:
    """What a backend works with.

    ``tagger`` proposes until another is adapted; ``checkpoint`` is what is adapted, after so many
    further submitted tasks; either may be None, not both.
    """

    folder: Path
    tagger: Path | None
    checkpoint: Path | None
    after: int = AFTER
    more: tuple[str, ...] = ()  # arguments of adapt


class Backend:
    """A tagger behind Label Studio, and the tasks that were submitted."""

    def __init__(self, config: BackendConfig) -> None:
        """Take up the journal of the folder, and the tagger that was adapted last."""
        self.config = config
        self._journal = Journal(config.folder / SUBMITTED)
        self._tasks: dict[Any, Mapping[str, Any]] = {}
        for entry in self._journal.entries:
            self._apply(entry)
        adapted = config.folder / RUN / "tagger"
        self._predictor: Predictor | None = None
        self.version = ""
        self._learned = 0
        if (adapted / "config.json").is_file():
            self._load(adapted)
        elif config.tagger is not None:
            self._load(config.tagger)
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self.problem = ""

    @property
    def submitted(self) -> int:
        """The tasks with a submitted annotation."""
        return len(self._tasks)

    @property
    def adapting(self) -> bool:
        """Whether it adapts now."""
        return self._process is not None

    def predict(self, tasks: Sequence[Any], config: str) -> list[dict[str, Any]]:
        """A prediction for each task, with the regions of the labels that the project has.

        Raises:
            ValueError: a configuration or a task that is not understood.
        """
        names = labelling(config)
        texts = [_text(task, names) for task in tasks]
        with self._lock:
            if self._predictor is None:
                return [self._prediction(names, text, ()) for text in texts]
            found = self._predictor.texts(texts)
        return [self._prediction(names, *each) for each in zip(texts, found, strict=True)]

    def webhook(self, action: str, data: Mapping[str, Any]) -> bool:
        """Take what Label Studio tells; whether it adapts because of it.

        Raises:
            ValueError: an annotation without its task.
            NotWritten: the journal cannot take it.
        """
        with self._lock:
            if action in _SUBMITS:
                task, annotation = data.get("task"), data.get("annotation")
                if not isinstance(task, dict) or not isinstance(annotation, dict):
                    raise ValueError("a submitted annotation comes with its task")
                kept = {"id": task.get("id"), "data": task.get("data"), "annotations": [annotation]}
                if not isinstance(kept["id"], int | str) or not isinstance(kept["data"], dict):
                    raise ValueError("a task has an id and data")
                self._apply(self._journal.append({"do": "submit", "task": kept}))
            elif action == "ANNOTATIONS_DELETED":
                gone = [each.get("id") for each in data.get("annotations", ())
                        if isinstance(each, dict)]  # fmt: skip
                self._apply(self._journal.append({"do": "delete", "annotations": gone}))
            elif action == "START_TRAINING":
                return self.adapt()
            enough = self.submitted >= self._learned + self.config.after
            return enough and self.adapt()

    def adapt(self) -> bool:
        """Adapt to all that is submitted, in a process of its own; whether that has begun."""
        config = self.config
        with self._lock:
            if self.adapting or config.checkpoint is None or not self._tasks:
                return False
            self._learned = self.submitted
            write_text(json.dumps(list(self._tasks.values())), config.folder / TASKS)
            new = config.folder / f"{RUN}-new"
            shutil.rmtree(new, ignore_errors=True)
            command = [
                sys.executable, "-m", "fewshot_metalstm", "adapt", "--train",
                str(config.folder / TASKS), "--format", "label-studio", "--overlaps", "longest",
                "--bad-annotations", "skip", "--checkpoint", str(config.checkpoint), "--output",
                str(new), "--no-score", "--no-tracking", "--workers", "1", *config.more,
            ]  # fmt: skip
            with (config.folder / LOG).open("ab") as log:
                self._process = subprocess.Popen(
                    command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )  # fmt: skip
            threading.Thread(target=self._finish, args=(self._process, new), daemon=True).start()
            return True

    def close(self) -> None:
        """End what runs."""
        process = self._process
        if process is not None:
            process.kill()
            process.wait()
        self._journal.close()

    def _finish(self, process: subprocess.Popen[bytes], new: Path) -> None:
        code = process.wait()
        with self._lock:
            if code == 0:
                place = self.config.folder / RUN
                shutil.rmtree(place, ignore_errors=True)
                new.replace(place)
                self._load(place / "tagger")
                self.problem = ""
            else:
                self.problem = f"adapt ended with code {code}; see {self.config.folder / LOG}"
            self._process = None

    def _load(self, tagger: Path) -> None:
        self._predictor = Predictor(tagger, torch.device("cpu"))
        about = self._predictor.model.about
        self.version = f"{about.get('target', 'tagger')}-{about.get('support_sentences', 0)}"

    def _apply(self, entry: Mapping[str, Any]) -> None:
        if entry["do"] == "submit":
            task = entry["task"]
            if task["annotations"][0].get("was_cancelled"):
                self._tasks.pop(task["id"], None)
            else:
                self._tasks[task["id"]] = task
            return
        gone = set(map(str, entry["annotations"]))
        self._tasks = {
            name: task for name, task in self._tasks.items()
            if str(task["annotations"][0].get("id")) not in gone
        }  # fmt: skip

    def _prediction(
        self, names: Labelling, text: str, mentions: Sequence[Mention]
    ) -> dict[str, Any]:
        ruler = Ruler(text, UTF16)
        known = [each for each in mentions if each.type in names.labels]
        result = [
            {
                "id": f"m{number}", "from_name": names.from_name, "to_name": names.to_name,
                "type": "labels", "score": round(each.confidence, 4),
                "value": {
                    "start": ruler.offset(each.start), "end": ruler.offset(each.end),
                    "text": each.text, "labels": [each.type],
                },
            }
            for number, each in enumerate(known, 1)
        ]  # fmt: skip
        least = min((each.confidence for each in known), default=0.0)
        return {"result": result, "score": round(least, 4), "model_version": self.version}


def _text(task: Any, names: Labelling) -> str:
    data = task.get("data") if isinstance(task, dict) else None
    text = data.get(names.key) if isinstance(data, dict) else None
    if not isinstance(text, str):
        raise ValueError(f"a task has no text under {names.key[:80]!r}")
    return text
