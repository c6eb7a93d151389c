"""The process that learns: jobs on standard input, what comes of them on its standard output.

Both are JSON, an object a line. The first line says what the process works on; each further one is
a job. It ends when its standard input does, whatever it is doing: when the server is gone.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NICE = 5  # the page comes first


class _Out:
    """Messages to the server; what libraries print goes to standard error instead."""

    def __init__(self) -> None:
        self._stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def say(self, kind: str, **what: Any) -> None:
        json.dump({"kind": kind, **what}, self._stream)
        self._stream.write("\n")
        self._stream.flush()


def _read(jobs: queue.Queue[dict[str, Any]]) -> None:
    for line in sys.stdin:
        jobs.put(json.loads(line))
    os._exit(0)


def main() -> None:
    """Do jobs until there will be no more."""
    os.nice(NICE)
    out = _Out()
    jobs: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_read, args=(jobs,), daemon=True).start()
    about = jobs.get()
    out.say("doing", text="loading the checkpoint")
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds.tagging.annotate import text as texts
    from fewshot_metalstm.kinds.tagging.annotate.learning import Learning

    folder = Path(about["folder"])
    try:
        text = texts.load(folder, about["sha256"])
        learning = Learning(
            text, Path(about["checkpoint"]), about["overrides"], about["seed"], folder / "tagger"
        )
    except UserError as error:
        out.say("broken", text=str(error))
        return
    while True:
        out.say("idle")
        job = jobs.get()
        try:
            _do(job, learning, out, jobs)
        except UserError as error:
            out.say("failed", text=str(error), job=job["job"])
        except MemoryError:
            out.say("failed", text="there is not enough memory", job=job["job"])


def _do(
    job: Mapping[str, Any], learning: Any, out: _Out, jobs: queue.Queue[dict[str, Any]]
) -> None:
    """One job of: first, adapt, read."""
    from fewshot_metalstm.figure import Spread

    if job["job"] == "first":
        out.say("doing", text="choosing what to begin with")
        order = learning.first(job["number"], job["closed"])
        out.say("order", sentences=order, by="promise", closed=len(job["closed"]))
        return
    if job["job"] == "read":
        out.say("proposals", **learning.read(job["sentences"])._asdict())
        return
    examples = job["examples"]
    began = time.perf_counter()
    number = f"{len(examples)} annotated sentences"
    out.say("doing", text=f"adapting to {number}")
    made = learning.adapt(examples)
    seconds = time.perf_counter() - began
    out.say("adapted", sentences=len(examples), types=list(made.types), seconds=round(seconds, 2))
    out.say("doing", text="reading what is open")
    out.say("proposals", **learning.read(job["now"])._asdict())
    order, proposals = learning.next(job["number"], job["closed"], examples)
    out.say("proposals", **proposals._asdict())
    out.say("order", sentences=order, by="mistakes", closed=len(job["closed"]))
    if not job["folds"]:
        return
    out.say("doing", text=f"judging itself on folds of {number}")

    def goes_on() -> bool:
        """Answer what the page waits for; stop where the tagger is to be adapted again."""
        while not jobs.empty():
            if jobs.queue[0]["job"] != "read":
                return False
            _do(jobs.get(), learning, out, jobs)
        return True

    values = learning.folds(examples, goes_on)
    if values:
        spread = Spread.of(values)
        out.say("point", sentences=len(examples), f1=round(spread.mean, 2), folds=len(values),
                half=None if spread.half is None else round(spread.half, 2),
                seconds=round(time.perf_counter() - began, 2))  # fmt: skip


if __name__ == "__main__":
    main()
