"""Every command that writes, killed: what must hold after a kill, and after its second start.

    python -m tests.kills --number 200

kills each command in turn, at a change of a file drawn at random or, one time in three, after a
time drawn at random, and prints how many kills of each there were. The first that breaks a rule
ends it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fewshot_metalstm.kinds.tagging.tagger.model import load_model, save_model
from fewshot_metalstm.seeds import numpy_generator
from tests.cli.builders import adapt, meta_train, settings
from tests.crashes import Crashing, crashing
from tests.kinds.tagging.bulk.builders import article, pubmed
from tests.kinds.tagging.tagger.builders import digests, model

MODULES = (
    "sweep.run", "tracking.adaptation", "tracking.meta_training", "tracking.sweep",
    "tracking.registry", "kinds.tagging.adapt.documents", "kinds.tagging.formats.bioc_xml",
    "kinds.tagging.pages.view", "kinds.tagging.serving.pyfunc", "kinds.tagging.shipping.pack",
    "pages.report",
)  # fmt: skip
SPECIES = "the\tO\nmouse\tS-Animal\nsleeps\tO\n\na\tO\nbrown\tB-Animal\nrat\tE-Animal\nruns\tO\n\n"


@dataclass(frozen=True)
class Made:
    """What the commands start from."""

    folder: Path

    @property
    def run(self) -> Path:
        """A meta-training."""
        return self.folder / "run"

    @property
    def adapted(self) -> Path:
        """An adaptation of it."""
        return self.folder / "adapted"

    @property
    def tagger(self) -> str:
        """The tagger of the adaptation."""
        return str(self.adapted / "tagger")

    @property
    def text(self) -> Path:
        """A file of annotated documents."""
        return self.folder / "in.jsonl"


@contextmanager
def prepared(folder: Path) -> Iterator[tuple[Crashing, Made]]:
    """A process to fork commands from that has done the long ones once, and what these wrote."""
    made = Made(folder)
    names = [*(f"fewshot_metalstm.{name}" for name in MODULES), "pyarrow.parquet"]
    quiet = {"FEWSHOT_METALSTM_CACHE": str(folder / "cache"), "MLFLOW_DISABLE_TELEMETRY": "true"}
    folder.mkdir()
    documents(made.text, 30)
    for split in ("train", "test"):
        (folder / "splits").mkdir(exist_ok=True)
        documents(folder / "splits" / f"{split}.jsonl", 15)
    for split, times in (("train", 6), ("devel", 2), ("test", 2)):
        (folder / f"{split}.tsv").write_text(SPECIES * times)
    (folder / "bulk").mkdir()
    articles = [article(str(n), f"Title of {n}", "The mouse. IL-2 in it.") for n in range(9)]
    for part in range(3):
        (folder / "bulk" / f"{part}.xml").write_bytes(pubmed(*articles[3 * part : 3 * part + 3]))
    save_model(model(), folder / "other")
    with crashing(quiet, *names) as forks:
        forks.warm(meta_train(made.run, "--quiet"), folder)
        more = ["--checkpoint", str(made.run), "--draws", "1", "--quiet"]
        forks.warm(adapt(made.adapted, *more), folder)
        store = str(folder / "warm")
        forks.warm(["register", made.tagger, "--name", "mine", "--tracking-uri", store], folder)
        yield forks, made


def documents(path: Path, number: int) -> Path:
    """A file of annotated documents that does not pack, so that its size is what it is."""
    numbers = numpy_generator(0, "documents")
    with path.open("w", encoding="utf-8") as file:
        for n in range(number):
            noise = numbers.bytes(400).hex(" ", 5)
            text = " ".join(["IL-2 in the mouse, and p53 in none."] * 10 + [noise])
            mentions = [[i, i + 4, "Gene"] for i in range(0, 360, 36)]
            file.write(json.dumps({"id": f"d{n}", "text": text, "mentions": mentions}) + "\n")
    return path


def content(path: Path) -> dict[str, bytes]:
    """What is in a file, or in the files of a folder; nothing where nothing is."""
    if path.is_file():
        return {"": path.read_bytes()}
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


Command = Callable[[Made, Path], list[str]]


class Case:
    """A command that writes ``place``, whole or not at all, and does the same when typed again."""

    def __init__(
        self, place: str, command: Command, earlier: str = "", *, over: bool = True
    ) -> None:
        """A command.

        Args:
            place: what it writes, in a folder of its own.
            earlier: what of ``made`` stands at the place before, for a folder that is replaced.
            over: whether a file that stands there is.
        """
        self.place, self.command, self._earlier, self._over = place, command, earlier, over

    def before(self, made: Made, place: Path) -> None:
        """Put there what stood there before."""
        if self._earlier:
            shutil.copytree(made.folder / self._earlier, place)
        elif "." in self.place and self._over:
            place.write_bytes(b"what was here before\n")

    def killed(self, made: Made, place: Path, whole: Path) -> None:
        """What must hold after a kill: it stands as it was before, or as it will be."""
        former = made.folder / "former"
        former.mkdir(exist_ok=True)
        if not (former / self.place).exists():
            self.before(made, former / self.place)
        assert content(place) in (content(former / self.place), content(whole))
        shutil.rmtree(former)

    def again(self, made: Made, place: Path) -> list[str] | None:
        """What is typed after a kill; None where it was done."""
        done = place.is_dir() and not self._earlier and any(place.iterdir())
        done |= not self._over and place.exists()
        return None if done else self.command(made, place)

    def ended(self, made: Made, place: Path, whole: Path) -> None:
        """What must hold in the end."""
        assert content(place) == content(whole)
        assert [path.name for path in place.parent.iterdir()] == [self.place], "something is left"


def whole_models(folder: Path) -> None:
    """Every model that stands in its place is whole, and none was taken away for its successor."""
    for config in folder.rglob("config.json"):
        if not any(part.startswith(".") for part in config.relative_to(folder).parts):
            load_model(config.parent)
    for old in folder.glob(".checkpoint.*.part/new"):
        if (old / "config.json").is_file() and (folder / "history.jsonl").is_file():
            text = (folder / "history.jsonl").read_text()
            if text.count('"validation"') > 1:
                assert (folder / "checkpoint").is_dir()


class Page(Case):
    """A page that holds what a run took, such as seconds, so that no two are the same."""

    def killed(self, made: Made, place: Path, whole: Path) -> None:
        """It is whole, or what was there before."""
        text = place.read_text()
        assert text.rstrip().endswith("</html>") or text == "what was here before\n"

    def ended(self, made: Made, place: Path, whole: Path) -> None:
        """It is whole."""
        assert place.read_text().rstrip().endswith("</html>")
        assert [path.name for path in place.parent.iterdir()] == [self.place], "something is left"


class Files(Case):
    """``init``, which writes several files, each whole; what is there stops a second start."""

    def killed(self, made: Made, place: Path, whole: Path) -> None:
        """Each that is there is as it will be."""
        expected = content(whole)
        for path in place.glob("[!.]*"):
            assert path.read_bytes() == expected[path.name]

    def again(self, made: Made, place: Path) -> list[str] | None:
        """Elsewhere, as it asks for."""
        shutil.rmtree(place, ignore_errors=True)
        return self.command(made, place)


class Run(Case):
    """A training, which goes on with ``--resume`` to the same model."""

    model = "checkpoint"

    def before(self, made: Made, place: Path) -> None:
        """Nothing."""

    def killed(self, made: Made, place: Path, whole: Path) -> None:
        """Its models are whole."""
        whole_models(place)

    def again(self, made: Made, place: Path) -> list[str] | None:
        """With ``--resume`` where it has begun."""
        resume = ["--resume"] if (place / "config.yaml").exists() else []
        return [*self.command(made, place), *resume]

    def ended(self, made: Made, place: Path, whole: Path) -> None:
        """The same model; nothing of what a kill left."""
        assert digests(place / self.model) == digests(whole / self.model)
        assert not list(place.rglob(".*.part")), "what was left is removed"
        self.same_history(place, whole)

    def same_history(self, place: Path, whole: Path) -> None:
        """The steps of both are the same."""
        name = "history.jsonl"
        assert (place / name).read_text() == (whole / name).read_text()


class Training(Run):
    """The same of ``train``, whose history holds seconds."""

    model = "tagger"

    def same_history(self, place: Path, whole: Path) -> None:
        """As many epochs."""
        lines = [(f / "history.jsonl").read_text().count("\n") for f in (place, whole)]
        assert lines[0] == lines[1]


class Adaptation(Run):
    """``adapt``, which begins anew, or says that its folder holds a run."""

    def again(self, made: Made, place: Path) -> list[str] | None:
        """The same command."""
        return self.command(made, place)

    def ended(self, made: Made, place: Path, whole: Path) -> None:
        """The tagger is that of the run which nobody killed."""
        assert digests(place / "tagger") == digests(whole / "tagger")


class Sweep(Run):
    """``sweep``, of which the cells that were done stay."""

    def __init__(self, place: str, command: Command) -> None:
        """As of any case; and what the last kill left."""
        super().__init__(place, command)
        self._done: dict[Path, bytes] = {}

    def killed(self, made: Made, place: Path, whole: Path) -> None:
        """Every cell there is whole."""
        self._done = {path: path.read_bytes() for path in place.glob("cells/*.json")}
        for text in self._done.values():
            json.loads(text)

    def again(self, made: Made, place: Path) -> list[str] | None:
        """The same."""
        return self.command(made, place)

    def ended(self, made: Made, place: Path, whole: Path) -> None:
        """Cells that were done are untouched; the figures are those of the other."""
        assert all(path.read_bytes() == text for path, text in self._done.items())
        rows = [json.loads((f / "report.json").read_text())["rows"] for f in (place, whole)]
        assert rows[0] == rows[1]


class Bulk(Case):
    """``tag-corpus``, of which every file is whole or absent."""

    def before(self, made: Made, place: Path) -> None:
        """Nothing."""

    def killed(self, made: Made, place: Path, whole: Path) -> None:
        """What is there is what will be."""
        for path in place.glob("*.jsonl"):
            assert path.read_bytes() == (whole / path.name).read_bytes()

    def again(self, made: Made, place: Path) -> list[str] | None:
        """The same."""
        return self.command(made, place)

    def ended(self, made: Made, place: Path, whole: Path) -> None:
        """Every file, and its record."""
        for folder in (place, place / "done"):
            names = {path.name for path in folder.iterdir()}
            other = {path.name for path in (whole / folder.relative_to(place)).iterdir()}
            assert names == other, names ^ other
        self.killed(made, place, whole)


class Registered(Case):
    """``register``: a version that was registered stays whole, whatever comes of the next one."""

    def __init__(self, place: str, command: Command) -> None:
        """As of any case; and the versions that were whole at the last look."""
        super().__init__(place, command)
        self._versions: dict[str, bytes] = {}

    def before(self, made: Made, place: Path) -> None:
        """One store for all, as it knows itself by its place."""
        (made.folder / "store").mkdir(exist_ok=True)
        place.symlink_to(made.folder / "store")
        self._versions = content(place / "artifacts")

    def killed(self, made: Made, place: Path, whole: Path) -> None:
        """The files of the versions are as they were."""
        there = content(place / "artifacts")
        assert {name: there[name] for name in self._versions} == self._versions
        self._versions = there

    def again(self, made: Made, place: Path) -> list[str] | None:
        """The same."""
        return self.command(made, place)

    def ended(self, made: Made, place: Path, whole: Path) -> None:
        """There is a version more."""
        there = set(content(place / "artifacts")) - set(self._versions)
        assert any(name.endswith("MLmodel") for name in there)
        self.killed(made, place, whole)


def _sweep(made: Made, place: Path) -> list[str]:
    return ["sweep", "--targets", "demo-species", "--shots", "5", "--draws", "0-1", "--methods",
            "meta", "--checkpoint", str(made.run), "--output", str(place), "--runner", "pool",
            "--workers", "1", "--no-tracking", "--quiet",
            *settings(["adapt.epochs=1", "adapt.min_steps=2", "adapt.averages=1"])]  # fmt: skip


def _train(made: Made, place: Path) -> list[str]:
    task = ",".join(f"{split}={made.folder / split}.tsv" for split in ("train", "devel", "test"))
    sizes = ["vectors.size=8", "vectors.epochs=1", "vectors.buckets=50", "vectors.min_count=1",
             "tagger.filters=4", "tagger.lstm.hidden=6", "tagger.lstm.meta=4",
             "tagger.lstm.z=4", "train.curve_items=20"]  # fmt: skip
    return ["train", "--task", task, "--output", str(place), "--no-tracking", "--quiet",
            "--epochs", "2", *settings(sizes)]  # fmt: skip


def _convert(to: str) -> Command:
    return lambda made, place: ["convert", str(made.text), str(place), "--to", to]


CASES: dict[str, Case] = {
    "meta-train": Run("run", lambda made, place: meta_train(place, "--quiet")),
    "train": Training("run", _train),
    "adapt": Adaptation("run", lambda made, place: adapt(
        place, "--checkpoint", str(made.run), "--draws", "1", "--quiet")),
    "sweep": Sweep("sweep", _sweep),
    "tag-corpus": Bulk("tagged", lambda made, place: [
        "tag-corpus", made.tagger, str(made.folder / "bulk"), "--output", str(place), "--quiet",
        "--runner", "pool", "--workers", "1"]),
    "register": Registered("store", lambda made, place: [
        "register", made.tagger, "--name", "mine", "--tracking-uri", str(made.folder / "store")]),
    "convert to brat": Case("out", _convert("brat")),
    "convert to jsonl": Case("out.jsonl", _convert("jsonl")),
    "convert to bioc-xml": Case("out.xml", _convert("bioc-xml")),
    "convert to parquet": Case("out.parquet", _convert("parquet")),
    "convert of splits": Case("out", lambda made, place: [
        "convert", str(made.folder / "splits"), str(place), "--to", "brat"]),
    "predict": Case("out.xml", lambda made, place: [
        "predict", made.tagger, str(made.text), "--output", str(place)]),
    "suggest": Case("out.jsonl", lambda made, place: [
        "suggest", made.tagger, str(made.text), "--output", str(place)], over=False),
    "view": Case("page.html", lambda made, place: [
        "view", made.tagger, str(made.text), "--html", str(place), "--quiet"]),
    "report": Page("page.html", lambda made, place: [
        "report", str(made.adapted), "--no-taggers", "--html", str(place), "--quiet"]),
    "init": Files("project", lambda made, place: ["init", str(place)]),
    "pack": Case("small", lambda made, place: ["pack", str(made.run), "--output", str(place)],
                 "other"),
}  # fmt: skip


@dataclass
class Count:
    """How many kills of a command there were."""

    changes: int  # of files, of a run that nobody kills
    at_a_change: int = 0
    by_the_clock: int = 0
    too_late: int = 0  # of those by the clock: it was done before


@dataclass
class Kills:
    """The commands, their runs that nobody killed, and counts."""

    forks: Crashing
    made: Made
    counts: dict[str, Count] = field(default_factory=dict)
    _seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Note the checkpoint that the commands read."""
        self._checkpoint = digests(self.made.run)

    def whole(self, name: str) -> Path:
        """What a command writes that nobody kills; run at the first call."""
        case, folder = CASES[name], self.made.folder / "whole" / name.replace(" ", "-")
        if name not in self.counts:
            folder.mkdir(parents=True)
            case.before(self.made, folder / case.place)
            began = time.monotonic()
            ended = self.forks.run(case.command(self.made, folder / case.place), self.made.folder)
            assert ended.code == 0, ended.err
            assert ended.changes > 1
            self._seconds[name] = time.monotonic() - began
            self.counts[name] = Count(ended.changes)
        return folder / case.place

    def kill(self, name: str, moment: float, *, clock: bool = False) -> None:
        """Kill a command at a moment (a share of all), look at what is left, and do it again."""
        case, whole = CASES[name], self.whole(name)
        count = self.counts[name]
        at = 1 + min(int(moment * count.changes), count.changes - 1)
        how = {"seconds": 0.01 + moment * self._seconds[name]} if clock else {"kill_at": at}
        folder = self.made.folder / "trial"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        place = folder / case.place
        case.before(self.made, place)
        ended = self.forks.run(case.command(self.made, place), self.made.folder, **how)
        said = f"{name} {how}: {ended}"
        assert ended.code in ((-14, 0) if clock else (-9,)), said
        count.by_the_clock += clock
        count.at_a_change += not clock
        count.too_late += ended.code == 0
        case.killed(self.made, place, whole)
        again = case.again(self.made, place)
        if again is None or ended.code == 0:
            return
        ended = self.forks.run(again, self.made.folder)
        if ended.code == 2 and isinstance(case, Run):  # before its settings, or with its end
            assert "holds a run already; name another folder, or remove it" in ended.err, said
            shutil.rmtree(place)
            ended = self.forks.run(case.command(self.made, place), self.made.folder)
        assert ended.code == 0, (said, ended)
        case.ended(self.made, place, whole)
        assert digests(self.made.run) == self._checkpoint, "what it reads is as it was"


def main() -> None:
    """Parse the arguments and kill."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--number", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = numpy_generator(arguments.seed, "kills")
    with tempfile.TemporaryDirectory() as name, prepared(Path(name) / "made") as (forks, made):
        kills = Kills(forks, made)
        try:
            for number in range(arguments.number):
                case = list(CASES)[number % len(CASES)]
                clock = bool(chance.integers(3) == 0)
                kills.kill(case, float(chance.random()), clock=clock)
        finally:
            _table(kills.counts)


def _table(counts: dict[str, Count]) -> None:
    print(f"{'command':20} {'changes':>8} {'at a change':>12} {'by the clock':>13} {'too late':>9}")
    for case, n in counts.items():
        print(f"{case:20} {n.changes:8} {n.at_a_change:12} {n.by_the_clock:13} {n.too_late:9}")
    by = [sum(getattr(n, name) for n in counts.values())
          for name in ("at_a_change", "by_the_clock", "too_late")]  # fmt: skip
    print(f"{'all':20} {'':8} {by[0]:12} {by[1]:13} {by[2]:9}")


if __name__ == "__main__":
    main()
