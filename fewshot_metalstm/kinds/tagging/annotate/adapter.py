"""The server's side of the process that learns: when it is asked, and what it answered last.

It is started when the first job comes and ends with the server. If it dies, the next job starts it
again; annotation goes on without it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.annotate.project import Project, examples
from fewshot_metalstm.kinds.tagging.annotate.state import OPEN
from fewshot_metalstm.writing import write_text

LEARNED, LOG = "learned.json", "adapter.log"
FIRST_AFTER = 5
BATCH = 50  # sentences that are chosen at a time
_MODULE = "fewshot_metalstm.kinds.tagging.annotate.child"


@dataclass(frozen=True)
class AdapterConfig:
    """How the tagger learns: from which checkpoint, from how many sentences on, and how.

    ``checkpoint`` None switches it off.
    """

    checkpoint: Path | None
    after: int = FIRST_AFTER
    overrides: tuple[str, ...] = ()
    seed: int = 0
    folds: bool = True


@dataclass
class Learned:
    """What the process said: proposals, order, curve, and what it is doing now."""

    proposals: dict[int, list[list[Any]]] = field(default_factory=dict)
    likely: dict[int, list[list[Any]]] = field(default_factory=dict)  # what else may be a mention
    order: list[int] = field(default_factory=list)
    by: str = ""
    points: list[dict[str, Any]] = field(default_factory=list)
    sentences: int = 0  # that the tagger was adapted to
    doing: str = ""
    problem: str = ""
    version: int = 0


class Adapter:
    """Has a child process adapt to a project's annotated sentences, now and again."""

    def __init__(self, project: Project, config: AdapterConfig) -> None:
        """Take up what was learned before; nothing runs before :meth:`start`."""
        self.project, self.config = project, config
        self.learned = _stored(project.folder / LEARNED)
        self.now: list[int] = []  # the sentences that the person is at
        self._child: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None
        self._busy: str | None = None
        self._asked = self.learned.sentences
        self._wanted: set[int] = set()
        self._closing = False
        self._lock = threading.RLock()

    def start(self) -> None:
        """Begin to learn, if it is switched on; and again after every action."""
        if self.config.checkpoint is None:
            return
        self.project.watch(self.consider)
        if not self.learned.order:
            self._ask({"job": "first", "number": BATCH, "closed": self._closed()})
        self.consider()

    def close(self) -> None:
        """End the process."""
        self._closing = True
        child, listener = self._child, self._listener
        if child is None or child.stdin is None or listener is None:
            return
        with suppress(OSError):
            child.stdin.close()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
        listener.join()

    @property
    def due(self) -> int:
        """The number of annotated sentences at which it adapts next."""
        if self._asked == 0:
            return self.config.after
        return self._asked + max(self.config.after, self._asked // 5)

    def consider(self) -> None:
        """Adapt if it is time."""
        if self.config.checkpoint is not None and len(self.project.done()) >= self.due:
            self.adapt()

    def adapt(self) -> bool:
        """Adapt to all that is annotated now.

        False where no mention is, or it does already.
        """
        given = examples(self.project, self.project.done())
        with self._lock:
            if self.config.checkpoint is None or self._busy == "adapt":
                return False
            if not any(each["spans"] for each in given):
                return False
            self._asked = len(given)
        return self._ask({
            "job": "adapt", "examples": given, "number": BATCH, "closed": self._closed(),
            "now": self.now, "folds": self.config.folds,
        })  # fmt: skip

    def want(self, sentences: Sequence[int]) -> None:
        """Ask for proposals for sentences that have none yet."""
        self.now = list(sentences)
        if not self.learned.sentences or self.config.checkpoint is None:
            return
        with self._lock:
            new = [i for i in sentences
                   if i not in self.learned.proposals and i not in self._wanted
                   and self.project.state.marks(i).status == OPEN]  # fmt: skip
            if new:
                self._wanted.update(new)
                self._ask({"job": "read", "sentences": new})

    def _closed(self) -> list[int]:
        return [i for i, letter in enumerate(self.project.statuses()) if letter != "o"]

    def _ask(self, job: Mapping[str, Any]) -> bool:
        with self._lock:
            if self._closing:
                return False
            try:
                if self._child is None:
                    self._child = self._started()
                assert self._child.stdin is not None
                self._child.stdin.write(json.dumps(job) + "\n")
                self._child.stdin.flush()
            except OSError as error:
                self.learned.problem = f"the tagger cannot be adapted ({error.strerror})"
                self.learned.version += 1
                return False
            if job["job"] == "adapt":
                self._busy = "adapt"
        return True

    def _started(self) -> subprocess.Popen[str]:
        with (self.project.folder / LOG).open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", _MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=log, text=True, encoding="utf-8", start_new_session=True,
            )  # fmt: skip
        assert child.stdin is not None
        about = {
            "folder": str(self.project.folder.absolute()), "sha256": self.project.about["sha256"],
            "checkpoint": str(self.config.checkpoint), "overrides": list(self.config.overrides),
            "seed": self.config.seed,
        }  # fmt: skip
        child.stdin.write(json.dumps(about) + "\n")
        self._listener = threading.Thread(
            target=self._listen, args=(child, child.stdout), daemon=True
        )
        self._listener.start()
        return child

    def _listen(self, child: subprocess.Popen[str], stream: IO[str]) -> None:
        with stream:
            for line in stream:
                message = json.loads(line)
                with self._lock:
                    self._take(message)
        code = child.wait()
        if child.stdin is not None:
            with suppress(OSError):
                child.stdin.close()
        with self._lock:
            self._child, self._busy = None, None
            self._wanted.clear()
            self.learned.doing = ""
            if not self._closing:
                log = self.project.folder / LOG
                if not self.learned.problem:
                    self.learned.problem = (
                        f"the process that adapts has ended (exit code {code}; see {log}); "
                        "annotation goes on, and so does it at the next sentence"
                    )
                self._asked = self.learned.sentences
                self.learned.version += 1

    def _take(self, message: Mapping[str, Any]) -> None:
        learned, kind = self.learned, message["kind"]
        if kind == "doing":
            learned.doing, learned.problem = message["text"], ""
        elif kind == "idle":
            learned.doing, self._busy = "", None
        elif kind == "order":
            learned.order, learned.by = message["sentences"], message["by"]
        elif kind == "proposals":
            found = _by_number(message["of"])
            learned.proposals |= found
            learned.likely |= _by_number(message["likely"])
            self._wanted -= found.keys()
        elif kind == "adapted":
            learned.sentences, learned.proposals, learned.likely = message["sentences"], {}, {}
            self._wanted.clear()
        elif kind == "point":
            learned.points.append({k: v for k, v in message.items() if k != "kind"})
        elif kind in ("failed", "broken"):
            learned.problem, learned.doing, self._busy = message["text"], "", None
        learned.version += 1
        if kind in ("order", "point"):
            self._store()

    def _store(self) -> None:
        learned = self.learned
        kept = {"order": learned.order, "by": learned.by, "points": learned.points,
                "sentences": learned.sentences, "proposals": learned.proposals,
                "likely": learned.likely}  # fmt: skip
        try:
            write_text(json.dumps(kept) + "\n", self.project.folder / LEARNED)
        except (OSError, UserError) as error:  # made anew by the next adaptation
            learned.problem = str(error)


def _stored(path: Path) -> Learned:
    """What was learned before, or nothing where that cannot be read: it can be made anew."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Learned(
            _by_number(kept["proposals"]), _by_number(kept.get("likely", {})), list(kept["order"]),
            kept["by"], list(kept["points"]), kept["sentences"],
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Learned()


def _by_number(given: Mapping[str, list[list[Any]]]) -> dict[int, list[list[Any]]]:
    return {int(i): spans for i, spans in given.items()}
