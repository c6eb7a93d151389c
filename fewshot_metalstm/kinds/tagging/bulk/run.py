"""Tagging many files: which there are, which are done, the rest on a pool or on Ray Data."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.jobs.outcome import Failure, Runner, with_retries
from fewshot_metalstm.kinds.tagging.adapt.predict import Predictor
from fewshot_metalstm.kinds.tagging.bulk.readers import KINDS, kind_of
from fewshot_metalstm.kinds.tagging.bulk.tagging import (
    FileJob,
    FileReport,
    TagSettings,
    tag_file,
)
from fewshot_metalstm.machine import keep_freed_memory, one_thread


@dataclass(frozen=True)
class TagSetup:
    """What a worker holds for all files: the tagger, loaded once."""

    model: Path
    settings: TagSettings
    device: str = "cpu"

    def __call__(self) -> Callable[[FileJob], FileReport]:
        """Load the tagger; the function returned tags one file."""
        torch.set_num_threads(1)  # a worker a core, so more threads would only wait
        keep_freed_memory()
        predictor = Predictor(self.model, torch.device(self.device))
        return lambda job: tag_file(predictor.tag, job, self.settings)


@dataclass(frozen=True)
class BulkReport:
    """What a run of bulk tagging did; ``skipped`` files were finished before it."""

    model: str
    output: str
    files: tuple[FileReport, ...]
    skipped: tuple[FileReport, ...]
    failed: tuple[tuple[str, Failure], ...]
    seconds: float

    def total(self, name: str) -> int:
        """``documents``, ``mentions`` or ``bad`` of the files of this run."""
        return sum(getattr(report, name) for report in self.files)

    @property
    def rate(self) -> float:
        """Records a second of this run, starting the workers included."""
        return self.total("documents") / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "model": self.model,
            "output": self.output,
            "files": [asdict(report) for report in self.files],
            "skipped": [report.input for report in self.skipped],
            "failed": [{"file": name, "reason": f.reason, "attempts": f.attempts}
                       for name, f in self.failed],
            "documents": self.total("documents"),
            "mentions": self.total("mentions"),
            "bad_records": self.total("bad"),
            "seconds": round(self.seconds, 2),
            "records_per_second": round(self.rate, 1),
        }  # fmt: skip


def find_inputs(paths: Sequence[Path], kind: str | None) -> tuple[list[Path], int]:
    """The files that ``paths`` name, a folder standing for those in it that can be read.

    Returns:
        the files in order, and how many others of folders, folders among them, were left out.

    Raises:
        UserError: no such file, a kind that the name does not tell, or nothing to do.
    """
    files: list[Path] = []
    left = 0
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.name[0] != ".")
            known = [p for p in inside
                     if p.is_file() and (kind is not None or kind_of(p) is not None)]  # fmt: skip
            files += known
            left += len(inside) - len(known)
        elif not path.is_file():
            raise UserError(f"{path}: there is no such file or folder; check the path")
        elif kind is None and kind_of(path) is None:
            raise UserError(
                f"{path}: its name does not tell its kind; add --format {' or '.join(KINDS)}"
            )
        else:
            files.append(path)
    if not files:
        raise UserError("no file to tag in what was given; name files ending in .xml, .jsonl, "
                        ".txt (or these and .gz), or add --format")  # fmt: skip
    return files, left


def plan_files(files: Sequence[Path], kind: str | None, output: Path) -> list[FileJob]:
    """Where the outputs of some files go.

    Raises:
        UserError: two inputs would have the same output.
    """
    jobs: dict[str, FileJob] = {}
    for path in files:
        packed = path.suffix == ".gz"
        name = path.name.removesuffix(".gz")
        stem = Path(name).stem if kind_of(path) is not None else name
        if stem in jobs:
            raise UserError(
                f"{path}: its output would be that of {jobs[stem].input}; tag one of them into "
                "another --output"
            )
        jobs[stem] = FileJob(
            path, kind or str(kind_of(path)), output / f"{stem}.jsonl{'.gz' if packed else ''}",
            output / "bad" / f"{stem}.jsonl", output / "done" / f"{stem}.json",
        )  # fmt: skip
    return list(jobs.values())


def finished(job: FileJob, settings: TagSettings) -> FileReport | None:
    """The report of a file that is done, or None.

    The input counts as the same if size and time are, or else if its SHA-256 is.

    Raises:
        UserError: its output comes from another input, model or setting.
    """
    try:
        done = json.loads(job.record.read_text(encoding="utf-8"))
        source, report = done["input"], FileReport(**done["report"])
        made = (done["kind"], done["settings"])
        known = (int(source["bytes"]), int(source["mtime_ns"]), str(source["sha256"]))
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, TypeError):
        raise at(job.record, None, "is damaged", "remove it") from None
    if not job.output.is_file():
        return None
    if made != (job.kind, asdict(settings)):
        name = next((k for k, v in asdict(settings).items() if made[1].get(k) != v), "format")
        what = {"with_text": "--text", "documents": "--documents", "format": "--format"}
        problem = f"was made by another {name}" if name not in what else (
            f"was made with another {what[name]}")  # fmt: skip
    else:
        now = job.input.stat()
        same = (now.st_size, now.st_mtime_ns) == known[:2]
        if same or (now.st_size == known[0] and _sha256(job.input) == known[2]):
            return report
        problem = f"was made from another {job.input.name}"
    raise at(job.output, None, problem, f"remove {job.record}, or name another --output")


def tag_files(
    jobs: Sequence[FileJob],
    setup: TagSetup,
    runner: Runner,
    output: Path,
    *,
    retries: int,
    on_file: Callable[[FileReport], None] | None = None,
    on_failure: Callable[[str, Failure, bool], None] | None = None,
) -> BulkReport:
    """Tag the files that are not done; a file that fails does not end the others.

    Raises:
        UserError: as :func:`finished`, before anything is tagged.
    """
    reports = [finished(job, setup.settings) for job in jobs]
    skipped = tuple(report for report in reports if report is not None)
    todo = [job for job, report in zip(jobs, reports, strict=True) if report is None]
    for job in todo:
        for old in (job.record, job.bad):
            old.unlink(missing_ok=True)
    start = time.perf_counter()
    done: dict[int, FileReport] = {}
    failed: dict[int, Failure] = {}

    def again(number: int, failure: Failure) -> None:
        if on_failure is not None:
            on_failure(str(todo[number].input), failure, True)

    with one_thread():  # the setup may run in this process
        for outcome in with_retries(runner, setup, todo, retries, again):
            if outcome.result is not None:
                done[outcome.number] = outcome.result
                if on_file is not None:
                    on_file(outcome.result)
            elif outcome.failure is not None:
                failed[outcome.number] = outcome.failure
                if on_failure is not None:
                    on_failure(str(todo[outcome.number].input), outcome.failure, False)
    return BulkReport(
        str(setup.model), str(output), tuple(done[n] for n in sorted(done)), skipped,
        tuple((str(todo[n].input), failed[n]) for n in sorted(failed)),
        time.perf_counter() - start,
    )  # fmt: skip


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
