"""The quick start and the how-tos, done as they say in an empty folder.

Files that a page shows are written, the program's commands run one after another in this process
(what prepares text, ``cp`` and ``cat``, in bash). Tiny checkpoints stand in the place of those
that ship, and what learns has its sizes cut down; all else is as it is on the page.
"""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fewshot_metalstm
from fewshot_metalstm import declarations
from fewshot_metalstm.cli.main import PROGRAM
from tests.cli.builders import QUICK, TINY, run_json, settings
from tests.docs.pages import ROOT, SHELL, Block, logical_lines, read, statements
from tests.packages import run_with

# That of the sources, or the one that is installed.
PACKAGE = Path(fewshot_metalstm.__file__).parent
ONE = ["--workers", "1", "--no-tracking"]
FEW = [*ONE, *settings([*QUICK, "adapt.averages=1"])]
SMALLER = {
    "adapt": FEW,
    "sweep": [*FEW, "--runner", "pool"],
    "meta-train": [*ONE, *settings(TINY)],
    "compress": ["--vectors", "3", "--passes", "1", *settings(["retrain.min_steps=4"])],
}
OUTSIDE = "sign-maml"  # the folder of a package of its own
# As the program begins, so that it does not import torch's compiler either.
IN_A_PROCESS = (
    "from fewshot_metalstm.compat.torch_compiler import defer_compiler",
    "defer_compiler()",
    "from fewshot_metalstm.cli.main import main",
)
PREPARE = frozenset({"cp", "cat", "echo"})
INSTALL = frozenset({"python3", ".", "pip"})
STRAINS = ("W303", "BY4741", "S288C", "CEN.PK", "sigma1278b", "AH109", "SK1", "Y187")
SAID = ("Cells of {} were grown for {} days.", "We crossed {} with {} others.",
        "Growth of {} was slow after {} hours.")  # fmt: skip


def blocks(page: str) -> tuple[Block, ...]:
    return read(ROOT / "docs" / page).blocks


def commands(page: str) -> Iterator[tuple[str, list[str]]]:
    """The lines for a shell, each with the words of its first command."""
    for block in blocks(page):
        if block.language == SHELL:
            for line in logical_lines(block.text):
                yield line, next(statements(line))


def smaller(words: list[str]) -> list[str]:
    """The arguments of a command of the program, with less to do."""
    return [*words[1:], *SMALLER.get(words[1], [])]


def follow(page: str) -> list[str]:
    """Write what the page shows and run what it says; the commands that ran."""
    from fewshot_metalstm.cli.main import main

    for block in blocks(page):
        if block.title is not None and not block.title.startswith("tasks/"):
            Path(block.title).write_text(block.text, encoding="utf-8")
    ran = []
    for line, words in commands(page):
        if words[0] == PROGRAM:
            assert main(smaller(words)) == 0, line
            ran.append(words[1])
        elif words[0] in PREPARE:
            subprocess.run(["bash", "-ec", line], check=True)
        else:
            assert words[0] in INSTALL, line
    return ran


def write_files(page: str) -> None:
    """Write the files that a page shows."""
    for block in blocks(page):
        if block.title is not None:
            Path(block.title).write_text(block.text, encoding="utf-8")


def looked(run: str, gold: str, capsys: pytest.CaptureFixture[str]) -> Any:
    """What `report` sees in the adapted model of a run, with the train split of a file."""
    capsys.readouterr()
    given = ["--gold", gold, "--split", "train", "--html", "r.html", "--json"]
    return run_json(["report", run, *given], capsys)["taggers"][0]


def brat(folder: Path, number: int) -> None:
    """A document in BRAT: three sentences with a strain and one without."""
    folder.mkdir(parents=True, exist_ok=True)
    text, notes = "", []
    for i, sentence in enumerate(SAID):
        strain = STRAINS[(number + 3 * i) % len(STRAINS)]
        start = len(text) + sentence.index("{")
        notes.append(f"T{i + 1}\tStrain {start} {start + len(strain)}\t{strain}\n")
        text += f"{sentence.format(strain, number + 2)}\n"
    text += f"Plates were read after {number + 2} days.\n"
    (folder / f"p{number}.txt").write_text(text)
    (folder / f"p{number}.ann").write_text("".join(notes))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_pictures: None) -> Path:
    """An empty folder to work in, with nothing of the user's in reach."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("FEWSHOT_METALSTM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FEWSHOT_METALSTM_DATA", raising=False)
    return work


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tiny checkpoints that ship."""
    from fewshot_metalstm import pretrained
    from tests.pretrained.builders import EVERY, checkpoint, ship

    folder = ship(tmp_path / "ship", bionlp=checkpoint(), mtl_bio=checkpoint(**EVERY))
    monkeypatch.setattr(pretrained, "place", lambda: folder)


@pytest.mark.usefixtures("shipped")
def test_the_quick_start(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "fewshot_metalstm").symlink_to(PACKAGE)
    ran = follow("index.md")
    assert ran == ["check", "adapt", "view", "predict", "predict", "suggest", "adapt"]
    shown = next(b.text for b in blocks("index.md") if b.language == "text")
    printed = capsys.readouterr().out
    for line in shown.splitlines():
        assert line in printed
    assert (place / "methods.html").is_file()
    from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, load_model

    assert load_model(place / "runs" / "more" / "tagger", TAGGER).about["support_sentences"] == 53


@pytest.mark.usefixtures("shipped")
def test_data_of_your_own(place: Path) -> None:
    for number in range(8):
        brat(place / "my-corpus" / ("test" if number > 5 else "train"), number)
    (place / "unlabelled.txt").write_text(
        "".join(f"The strain {x} was kept at {n} degrees.\n" for n, x in enumerate(STRAINS))
    )
    assert len(follow("own-data.md")) == 10
    assert len(list((place / "my-corpus" / "train").glob("*.ann"))) == 6 + 4
    assert (place / "found.jsonl").stat().st_size > 0


@pytest.mark.usefixtures("shipped")
def test_compressing(place: Path) -> None:
    def text(name: str, first: int, *, tags: bool = True) -> None:
        rows = []
        for number in range(first, first + 8):
            strain = STRAINS[number % len(STRAINS)]
            for word in SAID[number % len(SAID)].format(strain, number).split():
                rows.append(f"{word}\t{'B-Strain' if tags and word == strain else 'O'}")
            rows.append("")
        Path(name).write_text("\n".join(rows) + "\n", encoding="utf-8")

    text("mine.conll", 0)
    text("test.conll", 8)
    text("plain.conll", 16, tags=False)
    (place / "notes.txt").write_text("Cells of W303 were grown.\n")
    ran = []
    for line, words in commands("compress.md"):
        if words[0] == PROGRAM and "my-corpus" not in line:
            from fewshot_metalstm.cli.main import main

            assert main(smaller(words)) == 0, line
            ran.append(words[1])
        elif words[0] in PREPARE:
            subprocess.run(["bash", "-ec", line], check=True)
        if ran[-1:] == ["compress"] and len(ran) > 3:
            break  # what comes behind is the study
    assert ran == ["adapt", "compress", "predict", "predict", "compress"]
    for folder in ("small", "smaller"):
        assert {"report.md", "report.json", "report.png", "tagger"} <= {
            path.name for path in (place / folder).iterdir()
        }


def test_a_task_map(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from fewshot_metalstm import pretrained
    from tests.pretrained.builders import checkpoint, ship, with_heads

    made = with_heads(checkpoint(), {"BioNLP13CG": ("Cell", "Organ"), "BioNLP11EPI": ("Protein",)})
    folder = ship(tmp_path / "ship", bionlp=made)
    monkeypatch.setattr(pretrained, "place", lambda: folder)
    (place / "fewshot_metalstm").symlink_to(PACKAGE)
    example = [(line, words) for line, words in commands("task-map.md") if "methods" in line]
    assert [words[0] for _, words in example] == ["cp", PROGRAM]
    for line, words in example:
        if words[0] == PROGRAM:
            from fewshot_metalstm.cli.main import main

            assert main(smaller(words)) == 0, line
        else:
            subprocess.run(["bash", "-ec", line], check=True)
    assert {path.name for path in (place / "methods-map").iterdir()} >= {
        "losses.csv", "map.html", "map.png", "map.svg"
    }  # fmt: skip
    assert "methods/Method" in capsys.readouterr().out


@pytest.mark.slow
def test_annotating(place: Path, tmp_path: Path) -> None:
    """What is done on the page by keys is asked of its server here."""
    from fewshot_metalstm.kinds.tagging.tagger.model import save_model
    from tests.cli.builders import start
    from tests.cli.test_annotate import address_of, ask
    from tests.pretrained.builders import checkpoint

    save_model(checkpoint(), tmp_path / "c")
    (place / "abstracts").mkdir()
    for block in blocks("annotate.md"):
        if block.title is not None:
            (place / block.title).write_text(block.text, encoding="utf-8")
    ran: list[str] = []
    for _, words in commands("annotate.md"):
        if words[1] != "annotate":
            continue
        more = ["--checkpoint", str(tmp_path / "c"), *settings(QUICK), "--no-browser",
                "--no-tracking"]  # fmt: skip
        with start([*words[1:], *more], place) as process:
            address = address_of(process)
            if not ran:
                annotate_strains(address, ask)
            else:  # the same project goes on
                assert ask(address, "api/status")["done"] == 6
        ran.append(words[1])
    for _, words in commands("annotate.md"):
        if words[0] == PROGRAM and words[1] != "annotate":
            from fewshot_metalstm.cli.main import main

            more = [*ONE, "--checkpoint", str(tmp_path / "c")] if words[1] == "adapt" else []
            assert main([*smaller(words), *more]) == 0
            ran.append(words[1])
    assert ran == ["annotate", "annotate", "predict", "view", "adapt"]


def annotate_strains(address: str, ask: Any) -> None:
    """Six sentences, an export, and patience until the tagger is there."""
    for _ in range(6):
        number = ask(address, "api/next")["sentence"]
        (shown,) = ask(address, f"api/sentences?full&at={number}")
        text = shown["text"]
        spans = [
            ["Strain", [[text.index(s), text.index(s) + len(s)]]] for s in STRAINS if s in text
        ]
        entry = {"do": "mark", "sentence": number, "how": "done", "status": "done"}
        ask(address, "api/act", {**entry, "spans": spans, "rejected": []})
    assert ask(address, "api/export", {"format": "jsonl"})["documents"] == 6
    end = time.monotonic() + 300
    while not ask(address, "api/status")["learned"]:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_new_corpus(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    for number in range(20):
        split = "train" if number < 12 else "devel" if number < 16 else "test"
        brat(place / "my-corpus" / split, number)
    shutil.copytree(declarations.folder(), place / "tasks")
    for block in blocks("new-corpus.md"):
        if block.language == "yaml":
            assert block.title is not None
            path = place / block.title
            before = yaml.safe_load(path.read_text()) if path.exists() else {}
            path.write_text(yaml.safe_dump(merged(before, yaml.safe_load(block.text))))
    monkeypatch.setattr(declarations, "folder", lambda: place / "tasks")
    ran = follow("new-corpus.md")
    assert ran[-2:] == ["meta-train", "adapt"]
    assert len(ran) == 9


def merged(before: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """``more`` added to ``before``, mapping by mapping."""
    return before | {
        key: merged(before[key], value) if isinstance(before.get(key), dict) else value
        for key, value in more.items()
    }


def test_a_new_algorithm(place: Path) -> None:
    """In a copy of the package, in a process of its own."""
    clone = place / "clone"
    unneeded = shutil.ignore_patterns("__pycache__", "*.safetensors")
    for folder, name in ((PACKAGE, "fewshot_metalstm"), (ROOT / "tests/meta", "tests/meta")):
        shutil.copytree(folder, clone / name, ignore=unneeded)
    if not (clone / "fewshot_metalstm" / "tasks").is_dir():
        shutil.copytree(declarations.folder(), clone / "tasks")
    for name in ("setup.cfg", "tests/__init__.py"):
        shutil.copy(ROOT / name, clone / name)
    for block in blocks("new-algorithm.md"):
        if block.title is not None and not block.title.startswith(OUTSIDE):
            path = clone / block.title
            text = patched(path.read_text(), block) if block.language == "diff" else block.text
            path.write_text(text)
    script = [
        "import fewshot_metalstm, pytest",
        *IN_A_PROCESS,
        f"assert fewshot_metalstm.__file__.startswith({str(clone)!r})",
        "import tests.meta.test_signed as own",
        "[getattr(own, name)() for name in dir(own) if name.startswith('test_')]",
    ]
    lines = [words for _, words in commands("new-algorithm.md") if words[0] == PROGRAM]
    # The others run with it in a package of its own, below.
    script += [f"assert main({smaller(lines[0])!r}) == 0"]
    done = run_with([clone], "-c", "\n".join(script))
    assert done.returncode == 0, done.stderr
    assert len(lines) == 3
    assert "signed" in done.stdout


def test_a_new_algorithm_in_a_package_of_its_own(place: Path) -> None:
    """As the package that runs the tests is; what pip would write of it is written beside it."""
    inside, *_ = blocks("new-algorithm.md")
    package = place / OUTSIDE
    (package / "sign_maml").mkdir(parents=True)
    (package / "sign_maml" / "signed.py").write_text(inside.text)
    for block in blocks("new-algorithm.md"):
        if block.title is not None and block.title.startswith(OUTSIDE):
            (place / block.title).write_text(block.text)
    build = "import setuptools.build_meta as b; b.prepare_metadata_for_build_wheel('.')"
    done = run_with([], "-W", "ignore", "-c", build, cwd=package)
    assert done.returncode == 0, done.stderr
    lines = [words for _, words in commands("new-algorithm.md") if words[0] == PROGRAM]
    script = [*IN_A_PROCESS, *(f"assert main({smaller(words)!r}) == 0" for words in lines)]
    script += ["assert main(['meta-train', '--list-algorithms']) == 0"]
    done = run_with([package], "-c", "\n".join(script))
    assert done.returncode == 0, done.stderr
    assert "sign-maml" in done.stdout
    assert "inner.lr=1e-3" in done.stdout


def test_forecasting(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fewshot_metalstm.cli.main import main
    from tests.kinds.forecasting import builders

    world = builders.declare(place / "world")
    monkeypatch.setattr(declarations, "folder", lambda: world / "tasks")
    monkeypatch.setenv("FEWSHOT_METALSTM_DATA", str(world / "data"))
    write_files("forecasting.md")
    hours, first = builders.load(60, 7), builders.START
    Path("my_load.csv").write_text(builders.rows(hours[:960]))
    Path("history.csv").write_text(builders.rows(hours[700:960], first + 700))
    Path("later.csv").write_text(builders.rows(hours[960:], first + 960))
    for name, start, stop in (("to_june", 0, 960), ("july", 960, 1200), ("august", 1200, 1440)):
        Path(f"{name}.csv").write_text(builders.rows(hours[start:stop], first + start))
    fewer = {
        "meta-train": [*ONE, *settings(builders.TINY)],
        "adapt": [*ONE, *settings(QUICK), "--draws", "1"],
        "train": ["--epochs", "1", "--no-tracking", "--set", "forecaster.lstm.hidden=5"],
    }
    ran = []
    for line, words in commands("forecasting.md"):
        if words[0] == "make":  # the study behind the examples takes an hour
            break
        if words[0] == "python":
            runpy.run_path(words[1], run_name="__main__")
        elif words[1] != "data":  # which fetches
            assert main([*words[1:], *fewer.get(words[1], [])]) == 0, line
            ran.append(words[1])
    assert ran == ["adapt", "predict", "view", "meta-train", "adapt", "evaluate", "adapt",
                   "predict", "view", "adapt", "evaluate", "train", "train", "predict"]  # fmt: skip
    assert "of what the LSTM corrects" in capsys.readouterr().err
    tomorrow = Path("tomorrow.csv").read_text("utf-8").splitlines()
    assert tomorrow[1].startswith("shop,2026-03-23 00:00:00,")
    assert "shop" in Path("shop.html").read_text("utf-8")
    look = looked("runs/shop", "shop.csv", capsys)
    assert len(look["mase_by_hour"]) == len(look["held_by_hour"]) == 24
    assert sum(look["mase_by_hour"]) / 24 == pytest.approx(look["mase"], abs=1e-3)
    page = Path("r.html").read_text("utf-8")
    assert "Hour by hour ahead" in page
    assert "How good the forecasts of shop are" in page
    written = Path("forecast.csv").read_text().splitlines()
    assert len(written) == 25
    shown = next(b.text for b in blocks("forecasting.md") if b.language == "text")
    assert written[0] == shown.strip()


def test_language_models(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fewshot_metalstm.cli.main import main
    from tests.kinds.language_model import builders

    world = builders.declare(place / "world", held_out=7_300)
    monkeypatch.setattr(declarations, "folder", lambda: world / "tasks")
    monkeypatch.setenv("FEWSHOT_METALSTM_DATA", str(world / "data"))
    write_files("language-model.md")
    Path("my.txt").write_text(builders.prose(7_200, 7))
    Path("later.txt").write_text(builders.prose(3_000, 8))
    fewer = {
        "meta-train": [*ONE, *settings(builders.TINY)],
        "adapt": [*ONE, *settings(QUICK), "--draws", "1"],
        "train": ["--no-tracking", *settings([each for each in builders.TINY if "model" in each])],
    }
    ran = []
    for line, words in commands("language-model.md"):
        if words[-1] in ("runs/joint", "runs/ptb"):  # these take minutes
            break
        if words[1] != "data":  # which fetches
            assert main([*words[1:], *fewer.get(words[1], [])]) == 0, line
            ran.append(words[1])
    assert ran == ["meta-train", "adapt", "evaluate", "adapt", "predict", "predict", "adapt",
                   "predict", "predict", "adapt", "adapt", "train", "predict"]  # fmt: skip
    shown = next(
        b.text for b in blocks("language-model.md") if b.language == "text" and b.title is None
    )
    name, _, characters = shown.strip().split("\t")
    printed = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [name, characters] in [[line[0], line[-1]] for line in printed if len(line) == 3]
    bits = next(float(line[1]) for line in printed if line[0] == "friday.txt")
    look = looked("runs/notes", "friday.txt", capsys)
    assert look["bpc"] == pytest.approx(bits, abs=0.001)
    assert look["characters"] == len(Path("friday.txt").read_text("utf-8"))
    assert "What characters cost" in Path("r.html").read_text("utf-8")


def test_translation(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fewshot_metalstm.cli.main import main
    from tests.kinds.translation import builders

    world = builders.declare(place / "world")
    monkeypatch.setattr(declarations, "folder", lambda: world / "tasks")
    monkeypatch.setenv("FEWSHOT_METALSTM_DATA", str(world / "data"))
    for name, seed in (("my", 4), ("later", 5)):
        builders.write_pairs(Path(name), 8, seed)
    write_files("translation.md")
    own = [each for each in builders.TINY if each.startswith(("translator", "subwords"))]
    fewer = {
        "meta-train": [*ONE, *settings(builders.TINY)],
        "adapt": [*ONE, *settings(QUICK), "--draws", "1"],
        "train": ["--no-tracking", *settings([*own, "train.epochs=1"])],
    }
    ran = []
    for line, words in commands("translation.md"):
        if words[-1] == "runs/multi30k":  # from here on it takes minutes
            break
        if words[0] == PROGRAM and words[1] != "data":  # which fetches
            assert main([*words[1:], *fewer.get(words[1], [])]) == 0, line
            ran.append(words[1])
    assert ran == ["meta-train", "adapt", "evaluate", "adapt", "predict", "evaluate", "adapt",
                   "adapt", "predict", "predict", "adapt", "evaluate", "train"]  # fmt: skip
    assert len(Path("text.de").read_text("utf-8").split("\n")) == 3
    look = looked("runs/beach", "pairs.tsv", capsys)
    assert (look["pairs"], len(look["worst"])) == (8, 5)
    page = Path("r.html").read_text("utf-8")
    assert "Worst and best translations" in page
    assert "Einige Leute schwimmen weit draußen." in page


WAVES = "waves"  # the folder of a package with a kind of task
FEWER = ["outer.steps=4", "outer.meta_batch=2", "outer.validate_every=2", "waves.width=8",
         "waves.validation=2"]  # fmt: skip
QUICKLY = {
    "meta-train": [*ONE, *settings(FEWER)],
    "adapt": [*ONE, *settings(QUICK)],
    "sweep": [*ONE, *settings(QUICK), "--runner", "pool"],
}


def test_a_new_kind_in_a_package_of_its_own(place: Path) -> None:
    for block in blocks("new-kind.md"):
        if block.title is not None and block.title.startswith(WAVES):
            (place / block.title).parent.mkdir(parents=True, exist_ok=True)
            (place / block.title).write_text(block.text)
    package = place / WAVES
    build = "import setuptools.build_meta as b; b.prepare_metadata_for_build_wheel('.')"
    done = run_with([], "-W", "ignore", "-c", build, cwd=package)
    assert done.returncode == 0, done.stderr
    lines = [words for _, words in commands("new-kind.md") if words[0] == PROGRAM]
    script = ["import sys", *IN_A_PROCESS]
    script += ["assert main(['settings', '--help']) == main(['meta-train', '--help']) == 0"]
    script += ["assert 'torch' not in sys.modules"]
    for words in lines:
        arguments = [*words[1:], *QUICKLY.get(words[1], [])]
        script.append(f"assert main({arguments!r}) == 0")
    done = run_with([package], "-c", "\n".join(script))
    assert done.returncode == 0, done.stderr
    assert len(lines) == 5
    assert "waves.width" in done.stdout
    assert "mean squared error" in done.stdout
    assert (place / "runs/wave-3-10/network/config.json").is_file()


def test_a_new_kind_in_this_repository(place: Path) -> None:
    clone = place / "clone"
    unneeded = shutil.ignore_patterns("__pycache__", "*.safetensors")
    shutil.copytree(PACKAGE, clone / "fewshot_metalstm", ignore=unneeded)
    if not (clone / "fewshot_metalstm" / "tasks").is_dir():
        shutil.copytree(declarations.folder(), clone / "tasks")
    shutil.copy(ROOT / "setup.cfg", clone)
    kind = clone / "fewshot_metalstm" / "kinds" / WAVES
    kind.mkdir()
    for block in blocks("new-kind.md"):
        if block.title is None or block.title.endswith(".toml"):
            continue
        if block.title.startswith(WAVES):
            text = block.text.replace("from waves", "from fewshot_metalstm.kinds.waves")
            (kind / Path(block.title).name).write_text(text)
        else:
            path = clone / block.title
            path.write_text(patched(path.read_text(), block))
    done = run_with([clone], "-m", "fewshot_metalstm", "settings", "waves", "--kind", "waves")
    assert done.returncode == 0, done.stderr
    assert "of the two hidden layers" in done.stdout


def patched(text: str, block: Block) -> str:
    """``text`` with the changes of a diff, whose parts are told by what stands there alone."""
    for part in re.split(r"^@@\n", block.text, flags=re.MULTILINE):
        rows = part.splitlines(keepends=True)
        old = "".join(row[1:] for row in rows if row[0] in " -")
        new = "".join(row[1:] for row in rows if row[0] in " +")
        assert text.count(old) == 1, f"{block}: {block.title} does not hold this once:\n{old}"
        text = text.replace(old, new)
    return text
