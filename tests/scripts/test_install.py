"""Setting up by uv, and by pip where that does not do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts import install

PYTHON = """#!/bin/sh
# An interpreter whose pip is set up in one way, and notes what it is asked to do.
case "$*" in
  "-m pip config list") cat "{folder}/settings" ;;
  *) echo "$*" >> "{folder}/calls"; case "$*" in *" uv") exit 1 ;; esac ;;
esac
"""

UV = """#!/bin/sh
echo "uv $*" >> "{folder}/calls"
exit {status}
"""


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment of scripts, and a PATH without uv."""
    (tmp_path / "settings").write_text("")
    script(tmp_path / "venv" / "bin" / "python", PYTHON.format(folder=tmp_path))
    monkeypatch.setenv("PATH", os.pathsep.join((str(tmp_path / "path"), "/usr/bin", "/bin")))
    monkeypatch.chdir(Path(install.__file__).resolve().parents[1])
    return tmp_path / "venv"


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def calls(venv: Path) -> list[str]:
    return (venv.parent / "calls").read_text().splitlines()


def test_uv_gets_the_pins_and_what_pip_is_set_to(venv: Path) -> None:
    script(venv.parent / "path" / "uv", UV.format(folder=venv.parent, status=0))
    (venv.parent / "settings").write_text(
        "global.find-links='/wheels /more'\n:env:.no_input='1'\ndownload.index-url='/other'\n"
    )
    assert install.main([str(venv)]) == 0
    done = calls(venv)
    assert all(call.startswith("uv pip install") for call in done)
    assert all("--find-links /wheels --find-links /more" in call for call in done)
    assert not any("/other" in call for call in done)
    assert any(call.endswith("--constraint constraints.txt --editable .[dev]") for call in done)
    assert done[-1].endswith("learn2learn==0.2.0 --config-settings=--build-option=build_ext")


def test_what_warns_of_its_own_source_is_compiled(venv: Path) -> None:
    script(venv.parent / "path" / "uv", UV.format(folder=venv.parent, status=0))
    source = venv / "lib" / "python3.12" / "site-packages" / "higher"
    source.mkdir(parents=True)
    assert install.main([str(venv)]) == 0
    assert calls(venv)[-1] == f"-W ignore -m compileall -q {source}"


@pytest.mark.parametrize("settings", ["", "global.only-binary=':all:'\n"])
def test_pip_does_it_where_uv_does_not(
    venv: Path, settings: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (venv.parent / "settings").write_text(settings)
    if settings:
        script(venv.parent / "path" / "uv", UV.format(folder=venv.parent, status=0))
    else:
        script(venv.parent / "path" / "uv", UV.format(folder=venv.parent, status=2))
    assert install.main([str(venv)]) == 0
    assert [call for call in calls(venv) if call.startswith("-m pip install")] == [
        "-m pip install --quiet pip>=23.1",
        "-m pip install --constraint constraints.txt --editable .[dev]",
        "-m pip install --use-pep517 --no-deps --requirement requirements-learn2learn.txt",
    ]
    said = capsys.readouterr().out
    assert ("no word for only-binary" if settings else "it failed, see above") in said


def test_pip_does_it_where_uv_cannot_be_fetched(
    venv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install.main([str(venv)]) == 0
    assert "none can be fetched" in capsys.readouterr().out
    assert calls(venv)[-1].endswith("requirements-learn2learn.txt")


def test_variables_come_before_files_and_say_where_certificates_are(venv: Path) -> None:
    (venv.parent / "settings").write_text(
        ":env:.cert='/mine'\nglobal.cert='/all'\nglobal.no-index='false'\n"
        "install.index-url='https://host/simple'\nglobal.index-url='https://other/simple'\n"
    )
    options, variables = install.translated(install.pip_settings(venv / "bin" / "python"))
    assert variables == {"SSL_CERT_FILE": "/mine"}
    assert options[-2:] == ["--index-url", "https://host/simple"]
    assert "--no-index" not in options
