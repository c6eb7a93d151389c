"""Put the pinned set-up into a virtual environment: by uv where it can be had, by pip otherwise.

    python -m scripts.install .venv             uv of the PATH, or fetched into .venv/uv, or pip
    python -m scripts.install .venv --by pip

Both read the same pins and give the same versions. uv knows nothing of pip's configuration
(indexes, folders of wheels, constraints), so it is told what stands there; where that holds
something that uv has no word for, or uv fails, pip does the work. Needs the standard library alone.
"""

from __future__ import annotations

import argparse
import ast
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PROJECT = ("--constraint", "constraints.txt", "--editable", ".[dev]")
APART = Path("requirements-learn2learn.txt")  # it says why it is installed in a step of its own
PIP = "pip>=23.1"  # which reads options in a file of requirements

# A setting of pip, and the option of uv that says the same of each of its values.
_SAME = {
    "index-url": "--index-url",
    "extra-index-url": "--extra-index-url",
    "find-links": "--find-links",
    "constraint": "--constraint",
    "trusted-host": "--allow-insecure-host",
}
_VARIABLES = {
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
}
# What changes how pip works or speaks, and not what it installs.
_NO_MATTER = frozenset({
    "break-system-packages", "cache-dir", "color", "debug", "disable-pip-version-check", "log",
    "no-cache-dir", "no-color", "no-compile", "no-input", "no-warn-conflicts",
    "no-warn-script-location", "progress-bar", "quiet", "require-virtualenv", "retries",
    "root-user-action", "verbose",
})  # fmt: skip


class PipNeededError(Exception):
    """Why uv cannot do it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Install; the exit status is 0, or that of the pip that failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("venv", type=Path, help="an environment with pip in it")
    parser.add_argument("--by", choices=("uv", "pip"), default="uv", help="uv falls back on pip")
    chosen = parser.parse_args(arguments)
    python = chosen.venv / "bin" / "python"
    if chosen.by == "uv":
        try:
            install_by_uv(python, chosen.venv / "uv")
        except PipNeededError as why:
            print(f"uv does not do here ({why}); pip takes its place, and some minutes", flush=True)
        else:
            return 0
    return install_by_pip(python)


def install_by_pip(python: Path) -> int:
    """Everything by pip; the exit status of the step that failed, or 0."""
    for step in (
        ("--quiet", PIP),
        PROJECT,
        ("--use-pep517", "--no-deps", "--requirement", str(APART)),
    ):
        status = _call((str(python), "-m", "pip", "install", *step))
        if status:
            return status
    return 0


def install_by_uv(python: Path, folder: Path) -> None:
    """Everything by uv, which is fetched into ``folder`` where there is none on the PATH.

    Raises:
        PipNeededError: There is no uv, it failed, or pip is set up in a way that uv does not know.
    """
    options, variables = translated(pip_settings(python))
    environment = os.environ | variables
    install = (*find_uv(python, folder), "pip", "install", "--python", str(python), *options)
    apart = ("--no-deps", *shlex.split(APART.read_text(encoding="utf-8"), comments=True))
    # Compiling it takes as long as all else, so both go on at once. Only one uv at a time writes
    # to an environment: this one writes to a folder for nobody, and the last takes from the cache.
    scratch = python.parent.parent / ".compiled"
    compiling = subprocess.Popen(
        (*install, "--quiet", "--target", str(scratch), *apart),
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    failed = True
    try:
        failed = _call((*install, PIP, *PROJECT), environment) != 0
    finally:
        if failed:
            compiling.terminate()
        compiling.wait()
        shutil.rmtree(scratch, ignore_errors=True)
    if failed or _call((*install, *apart), environment):
        raise PipNeededError("it failed, see above")
    compile_what_warns(python)


def compile_what_warns(python: Path) -> None:
    """Compile `higher`, whose source Python warns of at its first import otherwise.

    Tests take a warning for an error. The rest is compiled as it is imported, a quarter of what is
    installed; to compile all of it, as pip does, takes as long as to install it.
    """
    for source in python.parent.parent.glob("lib/python*/site-packages/higher"):
        # It warns here as well, where nobody needs to read it.
        _call((str(python), "-W", "ignore", "-m", "compileall", "-q", str(source)))


def find_uv(python: Path, folder: Path) -> tuple[str, ...]:
    """The uv of the PATH, or one that pip puts into ``folder``, apart from the environment."""
    found = shutil.which("uv")
    if found:
        return (found,)
    uv = folder / "bin" / "uv"
    if not uv.is_file():
        pip = (str(python), "-m", "pip", "install", "--quiet", "--retries", "1", "--no-deps")
        if _call((*pip, "--constraint", "constraints.txt", "--target", str(folder), "uv")):
            raise PipNeededError("there is none, and none can be fetched")
        if not uv.is_file():
            raise PipNeededError(f"{uv} is not there although it was fetched")
    return (str(uv),)


def pip_settings(python: Path) -> dict[str, str]:
    """What pip is set to for ``pip install``, variables before files."""
    listed = subprocess.run(
        (str(python), "-m", "pip", "config", "list"), capture_output=True, text=True, check=False
    )
    sections: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listed.stdout.splitlines():
        name, _, value = line.partition("=")
        section, _, setting = name.rpartition(".")
        if section in sections:
            sections[section][setting.replace("_", "-")] = str(ast.literal_eval(value))
    return sections["global"] | sections["install"] | sections[":env:"]


def translated(settings: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """uv's options and variables for what pip is set to.

    Raises:
        PipNeededError: A setting may change what is installed, and uv has no word for it.
    """
    # As pip does: of all indexes the best version, not that of the first index with the name.
    options, variables = ["--index-strategy", "unsafe-best-match"], {}
    for setting, value in settings.items():
        if setting in _SAME:
            for each in value.split():
                options += [_SAME[setting], each]
        elif setting == "no-index":
            options += ["--no-index"] * (value.lower() in ("1", "true", "yes", "on"))
        elif setting in _VARIABLES:
            variables[_VARIABLES[setting]] = value
        elif setting not in _NO_MATTER:
            raise PipNeededError(f"it has no word for {setting} in pip's configuration")
    return options, variables


def _call(command: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
    """Show a command, as make does, and run it; its exit status."""
    print(shlex.join(command), flush=True)
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
