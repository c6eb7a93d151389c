"""The built wheel, away from the source: what it holds and that its commands work anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from fewshot_metalstm.kinds.tagging.tagger.model import save_model
from tests.pretrained.builders import EVERY, checkpoint

ROOT = Path(__file__).resolve().parents[1]

# One worker builds the one wheel.
pytestmark = [
    pytest.mark.xdist_group("packaging"),
    pytest.mark.skipif(
        not (ROOT / "fewshot_metalstm").is_dir(), reason="what a wheel is built of is not here"
    ),
]

# What a build reads; copied, so that it neither sees nor leaves anything in the working tree.
SOURCES = (
    "fewshot_metalstm",
    "tasks",
    "mlflow",
    "setup.cfg",
    "setup.py",
    "pyproject.toml",
    "MANIFEST.in",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "LICENSE-Apache-2.0",
    "Makefile",
    "constraints.txt",
    "constraints-lowest.txt",
    "requirements-learn2learn.txt",
)


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a stranger's shell would: no PYTHONPATH, not in the source tree."""
    names = ("PYTHONPATH", "PYTHONHOME", "FEWSHOT_METALSTM_DATA", "MLFLOW_TRACKING_URI")
    environment = {name: text for name, text in os.environ.items() if name not in names}
    # The user's home too is another, so that no cache of corpora is found.
    environment["HOME"] = environment["XDG_CACHE_HOME"] = str(cwd)
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the source archive, as an index would serve it."""
    source = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(path, source / name, ignore=unwanted)
        else:
            shutil.copy2(path, source / name)
    shipped = source / "fewshot_metalstm" / "pretrained"
    if not (
        shipped / "mtl-bio" / "config.json"
    ).is_file():  # one in its place, which has learned nothing
        save_model(checkpoint(**EVERY), shipped / "mtl-bio")
        (shipped / "mtl-bio" / "MODEL_CARD.md").write_text("A stand-in.\n")
    (shipped / "mtl-bio" / "notes.txt").write_text("Not to be shipped.\n")
    # `build` makes the sdist first and then the wheel from the unpacked sdist.
    built = run(sys.executable, "-m", "build", "--no-isolation", source, cwd=source.parent)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = (source / "dist").glob("*.whl")
    assert list((source / "dist").glob("*.tar.gz"))
    return wheel


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment that holds the wheel, and beside it the dependencies."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    python = interpreter(folder)
    install = ("install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    done = run(sys.executable, "-m", "pip", "--python", python, *install, wheel, cwd=folder.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    # A folder named in a .pth file has its own .pth files left alone, so that the editable
    # installation under test in this process is not seen there.
    dependencies = sysconfig.get_path("purelib")
    (site(folder) / "dependencies.pth").write_text(f"{dependencies}\n")
    return folder


def interpreter(environment: Path) -> Path:
    return environment / ("Scripts" if os.name == "nt" else "bin") / "python"


def site(environment: Path) -> Path:
    (folder,) = environment.glob("[lL]ib/**/site-packages")
    return folder


def shipped(folder: str, *patterns: str) -> set[str]:
    """The files under ``folder`` of the source tree that match, relative to it."""
    found = (path for pattern in patterns for path in (ROOT / folder).rglob(pattern))
    return {path.relative_to(ROOT / folder).as_posix() for path in found if path.is_file()}


def test_the_wheel_holds_one_top_level_package(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"fewshot_metalstm"}


def test_the_wheel_holds_every_module(names: set[str]) -> None:
    modules = {f"fewshot_metalstm/{name}" for name in shipped("fewshot_metalstm", "*.py")}
    assert "fewshot_metalstm/cli/main.py" in modules
    assert {name for name in names if name.endswith(".py")} == modules
    assert "fewshot_metalstm/py.typed" in names


def test_the_wheel_holds_every_template(names: set[str]) -> None:
    every = {f"fewshot_metalstm/{name}" for name in shipped("fewshot_metalstm", "templates/*")}
    assert "fewshot_metalstm/kinds/translation/pages/templates/translations.html" in every
    assert {name for name in names if "/templates/" in name} == every


def test_the_wheel_holds_every_declaration(names: set[str]) -> None:
    declared = {f"fewshot_metalstm/tasks/{name}" for name in shipped("tasks", "*")}
    assert "fewshot_metalstm/tasks/catalogue.yaml" in declared
    assert any(name.startswith("fewshot_metalstm/tasks/suites/") for name in declared)
    assert {name for name in names if name.startswith("fewshot_metalstm/tasks/")} == declared


def test_the_wheel_holds_the_checkpoints_and_the_invented_corpus(names: set[str]) -> None:
    held = {name for name in names if name.startswith("fewshot_metalstm/pretrained/mtl-bio/")}
    assert {name.rpartition("/")[2] for name in held} - {"heads.safetensors", "policy.json"} == {
        "model.safetensors", "vocabulary.json", "sentences.bin", "config.json", "MODEL_CARD.md"
    }  # fmt: skip
    invented = {
        f"fewshot_metalstm/kinds/tagging/corpora/demo/methods/{name}.conll"
        for name in ("train", "test")
    }
    assert invented <= names


def test_adapt_needs_nothing_but_the_wheel(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEWSHOT_METALSTM_JIT", "0")  # to compile takes longer than all the rest
    lines = "".join(f"by\tO\nWestern\tB-Method\nblot{i}\tI-Method\n.\tO\n\n" for i in range(9))
    (tmp_path / "my50.conll").write_text(lines)
    (tmp_path / "notes.txt").write_text("Studied by Western blot3.\n")
    command = interpreter(environment).with_name("fewshot-metalstm")
    quick = ("--set", "adapt.averages=1", "--set", "adapt.min_steps=60", "--no-tracking")
    adapt = ("adapt", "--train", "my50.conll", "--output", "my-tagger", "--workers", "1", *quick)
    done = run(command, *adapt, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    place = site(environment).resolve() / "fewshot_metalstm" / "pretrained" / "mtl-bio"
    assert f"using the checkpoint mtl-bio that ships with the package, {place}" in done.stderr
    done = run(command, "predict", "my-tagger", "notes.txt", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    row, confidence = done.stdout.rstrip().rsplit("\t", 1)
    assert row == "notes.txt\t11\t24\tMethod\tWestern blot3"
    assert 0 <= float(confidence) <= 1


def test_the_wheel_holds_the_licence(names: set[str]) -> None:
    assert any(name.endswith("/LICENSE") for name in names)
    # That of the encoder whose pieces `bionlp` and `mtl-bio` have.
    assert any(name.endswith("/LICENSE-Apache-2.0") for name in names)


def test_the_folder_mlflow_does_not_shadow_the_package() -> None:
    assert not (ROOT / "mlflow" / "__init__.py").exists()


def test_declarations_are_no_python() -> None:
    assert not shipped("tasks", "*.py")


def test_the_installed_declarations_are_used(environment: Path, tmp_path: Path) -> None:
    code = (
        "import fewshot_metalstm, fewshot_metalstm.declarations as d;"
        "print(fewshot_metalstm.__file__); print(d.folder())"
    )
    done = run(interpreter(environment), "-c", code, cwd=tmp_path)
    package = site(environment).resolve() / "fewshot_metalstm"
    assert done.stdout.splitlines() == [str(package / "__init__.py"), str(package / "tasks")]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--help", "meta-train"),
        ("--version", "fewshot-metalstm, version"),
        ("tasks list", "linnaeus"),
        ("data list", "linnaeus"),
        ("adapt --help", "Usage: fewshot-metalstm adapt"),
        ("data --help", "Usage: fewshot-metalstm data"),
        ("demo --help", "Usage: fewshot-metalstm demo"),
        ("evaluate --help", "Usage: fewshot-metalstm evaluate"),
        ("meta-train --help", "Usage: fewshot-metalstm meta-train"),
        ("predict --help", "Usage: fewshot-metalstm predict"),
        ("tasks --help", "Usage: fewshot-metalstm tasks"),
        ("ui --help", "Usage: fewshot-metalstm ui"),
    ],
)
def test_commands_work_from_any_folder(
    arguments: str, expected: str, environment: Path, tmp_path: Path
) -> None:
    command = interpreter(environment).with_name("fewshot-metalstm")
    done = run(command, *arguments.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout
