"""Studies of compression: one model, and what it costs to make it smaller in several ways.

::

    title: of the table
    about: what was measured, and what was cut short
    model: {study: ptb, row: lstm}      # a run of another study with seed 0, or
    model: {adapt: --target linnaeus --shots 50 --draws 1}   # what `adapt` makes
    lower: true                         # less of the figure is better
    digits: 3                           # behind the point; 2 by default
    options: --test ptb                 # of `compress`, for every row
    rows:
      eight: {options: --sparsity 0 --columns 1 --int8, about: in words}

A run is a row: one `compress`. What it was run with has a digest, that of its model included.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.studies import declared, kept
from benchmarks.studies.declared import FOLDER, known, opened
from benchmarks.studies.kept import RESULTS
from benchmarks.studies.running import command, failure, in_time
from fewshot_metalstm.config import read_mapping
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.writing import write_text

FIELDS = (
    "row", "digest", "before", "after", "non_zero", "columns", "packed_columns", "utilisation",
    "bytes_before", "bytes_after", "dense_us", "packed_us", "steps", "failed", "cpu", "torch",
)  # fmt: skip
_KEYS = {"title", "about", "model", "lower", "digits", "options", "rows"}
_ROW = {"options", "about"}


@dataclass(frozen=True)
class Run:
    """A row: options of `compress`."""

    name: str
    about: str
    options: tuple[str, ...]
    digest: str

    @property
    def called(self) -> str:
        """The row."""
        return self.name

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return f"{self.name}-{self.digest}"


@dataclass(frozen=True)
class CompressionStudy:
    """A study as its file declares it."""

    name: str
    title: str
    about: str
    lower: bool
    digits: int
    made_by: declared.Run | tuple[str, ...]  # the run of another study, or options of `adapt`
    runs: tuple[Run, ...]

    def model(self, runs: Path) -> Path:
        """The model's run, made unless it is there.

        Args:
            runs: the folder of the runs of all studies.

        Raises:
            UserError: it has not been trained yet, or came to nothing.
        """
        if isinstance(self.made_by, declared.Run):
            study = self.made_by.study
            folder = runs / study / self.made_by.folder
            if not (folder / "report.json").is_file():
                raise UserError(
                    f"{self.name} needs {self.made_by.called} of {study}; run that study first"
                )
            return folder
        folder = runs / self.name / f"model-{_digest(self.made_by)}"
        if not (folder / "report.json").is_file():
            command(["adapt", *self.made_by], folder)
        why = failure(folder)
        if why is not None:
            raise UserError(f"{self.name}: its model came to nothing: {why}")
        return folder


def is_compression(name: str, folder: Path = FOLDER) -> bool:
    """Whether a study is one of these: it has a model."""
    path = folder / f"{name}.yaml"
    return path.is_file() and "model" in read_mapping(path)


def read(name: str, folder: Path = FOLDER) -> CompressionStudy:
    """The study of that name.

    Raises:
        UserError: there is none, or its file is not as above.
    """
    path, tree = opened(name, folder)
    known(tree, _KEYS, path, "the study")
    for key in ("title", "model", "rows"):
        if not tree.get(key):
            raise at(path, None, f"has no {key}", "add it")
    made_by = _model(tree["model"], path, folder)
    source = made_by.digest if isinstance(made_by, declared.Run) else _digest(made_by)
    shared = shlex.split(str(tree.get("options", "")))
    runs = []
    for called, each in tree["rows"].items():
        known(each, _ROW, path, f"row {called}")
        options = (*shared, *shlex.split(str(each.get("options", ""))))
        digest = _digest([source, *options])
        runs.append(Run(str(called), str(each.get("about", called)), options, digest))
    return CompressionStudy(
        name, str(tree["title"]), str(tree.get("about", "")), bool(tree.get("lower", False)),
        int(tree.get("digits", 2)), made_by, tuple(runs),
    )  # fmt: skip


def _model(tree: Mapping[str, Any], path: Path, folder: Path) -> declared.Run | tuple[str, ...]:
    if "adapt" in tree:
        known(tree, {"adapt"}, path, "the model")
        return tuple(shlex.split(str(tree["adapt"])))
    known(tree, {"study", "row"}, path, "the model")
    study = declared.read(str(tree.get("study")), folder)
    for run in study.runs:
        if run.row.name == tree.get("row") and run.seed == 0:
            return run
    raise at(path, None, f"is of {tree.get('row')}, which is no row of {study.name}", "name one")


def _digest(told: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(told)).encode()).hexdigest()[:12]


def do(
    name: str, runs: Path, end: float, *, rows: Sequence[str] | None = None, dry: bool = False,
    results: Path = RESULTS,
) -> None:  # fmt: skip
    """Run what a study misses, and write its table after every run.

    Args:
        runs: the folder of the runs of all studies.
        end: no run begins after it, on the clock of :func:`time.monotonic`.
        rows: only these.
        dry: say what would be run.

    Raises:
        UserError: a declaration that is wrong, or a command that ended in a way of its own.
    """
    study = read(name)
    there = kept.done(name, results)
    missing = [
        run for run in study.runs
        if run.digest not in there and (rows is None or run.name in rows)
    ]  # fmt: skip
    print(f"{name}: {len(missing)} of {len(study.runs)} runs to do", flush=True)
    if dry:
        for run in missing:
            print(f"fewshot-metalstm compress MODEL {shlex.join(run.options)}")
        return
    for run in in_time(name, missing, end):
        folder = runs / name / run.folder
        if not (folder / "report.json").is_file() and failure(folder) is None:
            command(["compress", str(study.model(runs)), *run.options], folder)
        add(study, run, folder, results)
        write(study, results)
    write(study, results)


def add(study: CompressionStudy, run: Run, folder: Path, results: Path = RESULTS) -> None:
    """Add what a run came to to the CSV, or put it in its place."""
    why = failure(folder)
    line: dict[str, Any] = {"row": run.name, "digest": run.digest, "failed": why or ""}
    if why is None:
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        line |= {key: report[key] for key in FIELDS if key in report and "bytes" not in key}
        line |= {key: report[key]["all"] for key in ("bytes_before", "bytes_after")}
        line |= report["latency"] or {}
        line = {key: value for key, value in line.items() if key in FIELDS}
    kept.keep(study.name, line, FIELDS, [each.digest for each in study.runs], results)


def markdown(study: CompressionStudy, folder: Path = RESULTS) -> str:
    """The table: the model as it was, and a line a row."""
    there = kept.done(study.name, folder)
    head = ["row", "what it is", "figure", "difference", "packed columns", "weights", "used",
            "MB of the folder", "µs of all products"]  # fmt: skip
    body = []
    done = [there[run.digest] for run in study.runs if run.digest in there]
    scored = [line for line in done if line["before"]]
    if scored:
        first = scored[0]
        body.append(["", "as it was", _shown(float(first["before"]), study), "-",
                     first["columns"], "", "", _mb(first["bytes_before"]),
                     _us(first["dense_us"])])  # fmt: skip
    for run in study.runs:
        line = there.get(run.digest)
        if line is None or line["failed"]:
            body.append([run.name, run.about, line["failed"] if line else "not run", *["-"] * 6])
            continue
        after, before = float(line["after"]), float(line["before"])
        body.append([
            run.name, run.about, _shown(after, study), f"{after - before:+.{study.digits}f}",
            line["packed_columns"], f"{int(line['non_zero']):,}",
            f"{float(line['utilisation']):.0%}", _mb(line["bytes_after"]), _us(line["packed_us"]),
        ])  # fmt: skip
    foot = (
        f"{len(done)} of {len(study.runs)} runs. {'Less is better. ' * study.lower}Microseconds of "
        "all products of the recurrent layers, dense for the model as it was and packed for the "
        "rows, medians on one core that other work shared. `used`: weights that are not zero as a "
        f"share of the places of all packed columns. Machine: {kept.machines(there)}."
    )
    parts = [f"# {study.title}", study.about, f"    make study NAME={study.name}",
             "\n".join(kept.grid(head, body)), foot]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def write(study: CompressionStudy, folder: Path = RESULTS) -> None:
    """Write the table and, where there is something to show, the picture."""
    write_text(markdown(study, folder), folder / f"{study.name}.md")
    there = kept.done(study.name, folder)
    found = [(run, there[run.digest]) for run in study.runs if run.digest in there]
    if any(line["after"] for _, line in found):
        picture(study, found, folder / f"{study.name}.png")


def picture(
    study: CompressionStudy, found: Sequence[tuple[Run, Mapping[str, str]]], path: Path
) -> None:
    """The figure against the size of the folder, a point a row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    points = [(run.name, line["bytes_after"], line["after"]) for run, line in found
              if line["after"]]  # fmt: skip
    first = next(line for _, line in found if line["after"])
    for name, size, value in (("as it was", first["bytes_before"], first["before"]), *points):
        place = (float(size) / 1e6, float(value))
        axes.plot(*place, "o", color="tab:orange" if name == "as it was" else "tab:blue")
        axes.annotate(name, place, xytext=(5, 4), textcoords="offset points", fontsize=8)
    axes.set_xlabel("MB of the folder")
    axes.set_ylabel(f"figure; {'less' if study.lower else 'more'} is better")
    axes.set_title(study.title, fontsize=10)
    axes.margins(x=0.15)
    axes.grid(alpha=0.3)
    kept.save(figure, path)


def _shown(value: float, study: CompressionStudy) -> str:
    return f"{value:.{study.digits}f}"


def _mb(size: str) -> str:
    return f"{int(size) / 1e6:.2f}"


def _us(value: str) -> str:
    return f"{float(value):.0f}" if value else "-"
