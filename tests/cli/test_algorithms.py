"""The list of meta-learners as a user sees it, with what other packages add."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.meta.engines import ENGINES
from fewshot_metalstm.meta.registry import BUILT_IN
from tests.cli.builders import TINY, settings
from tests.packages import install, run_with

# A meta-learner of another package: first-order MAML by another name, and its own preset.
SOURCE = """\
from fewshot_metalstm.meta.entry import AlgorithmEntry

ENTRY = AlgorithmEntry(
    "mine", "a meta-learner of mine", "fewshot_metalstm.meta.fomaml:FirstOrderMAML", orders=(1,),
    presets=("inner.lr=0.03125",),
)
"""
PROGRAM = ("-m", "fewshot_metalstm", "meta-train")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return install(tmp_path / "others", "my-meta", {"mine": "mine:ENTRY"}, {"mine.py": SOURCE})


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["meta-train", "--list-algorithms"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    for entry in BUILT_IN.values():
        assert entry.name in printed
        assert all(word in printed for word in entry.about.split())
    assert "outer.clip=0.25" in printed
    assert "higher, learn2learn, func" in printed


def test_the_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["meta-train", "--list-algorithms", "--json"]) == 0
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)["algorithms"]}
    assert tuple(found) == tuple(BUILT_IN)
    assert found["meta-sgd"] == {
        "name": "meta-sgd", "about": BUILT_IN["meta-sgd"].about, "orders": [1, 2], "engines": [],
        "inner_loop": "own", "outer_loop": True, "presets": [], "tune": "basic", "package": None,
    }  # fmt: skip
    assert found["maml"]["engines"] == list(ENGINES)
    assert found["joint"]["orders"] == []
    assert not found["joint"]["outer_loop"]


def test_the_help_is_made_of_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["meta-train", "--help"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    for name, entry in BUILT_IN.items():
        assert f"{name} {entry.about}" in printed
    for name, engine in ENGINES.items():
        assert f"{name} {engine.about}" in printed
    assert f"[{'|'.join(BUILT_IN)}]" in printed


@pytest.mark.parametrize("arguments", [["--help"], ["--list-algorithms"]])
def test_neither_imports_torch(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from fewshot_metalstm.cli.main import main\n"
        f"assert main(['meta-train', *{arguments}]) == 0\n"
        "assert not {'torch', 'numpy', 'mlflow', 'yaml', 'higher'} & set(sys.modules)\n"
    )
    done = run_with([], "-c", code)
    assert done.returncode == 0, done.stderr


def test_the_help_names_what_others_add_without_importing_it(tmp_path: Path) -> None:
    heavy = install(tmp_path / "x", "heavy", {"big": "big:X"}, {"big.py": "raise SystemExit(7)"})
    done = run_with([heavy], *PROGRAM, "--help")
    assert done.returncode == 0, done.stderr
    assert "|structshot|big]" in done.stdout
    assert "of the package heavy" in done.stdout


def test_another_packages_meta_learner_trains(mine: Path, tmp_path: Path) -> None:
    done = run_with([mine], *PROGRAM, "--list-algorithms")
    assert "a meta-learner of mine" in done.stdout
    assert "my-meta" in done.stdout
    run = tmp_path / "run"
    done = run_with(
        [mine], *PROGRAM, "--algorithm", "mine", "--output", str(run), "--workers", "1",
        "--no-tracking", "--json", *settings(TINY), cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outer_steps"] == 3
    config = (run / "config.yaml").read_text()
    assert "algorithm: mine" in config
    assert "lr: 0.03125" in config
    # Where the package is not, the settings are refused in one line.
    done = run_with([], *PROGRAM, "--config", str(run / "config.yaml"), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: algorithm 'mine' is unknown; use fomaml or")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("points", "arguments", "fault"),
    [
        ({"maml": "mine:ENTRY"}, ["--help"], "registers the algorithm 'maml', which fewshot-meta"),
        ({"mine": "mine:NO"}, ["--list-algorithms"], "mine:NO, which cannot be used"),
        ({"mine": "mine:NO"}, ["--algorithm", "mine"], "mine:NO, which cannot be used"),
    ],
)
def test_a_package_of_no_use_is_one_line(
    tmp_path: Path, points: dict[str, str], arguments: list[str], fault: str
) -> None:
    folder = install(tmp_path / "x", "my-meta", points, {"mine.py": SOURCE})
    done = run_with([folder], *PROGRAM, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: the package my-meta ")
    assert fault in done.stderr
    assert done.stderr.count("\n") == 1
    done = run_with([folder], "-m", "fewshot_metalstm", "--help")
    assert done.returncode == 0, "other commands go on"
