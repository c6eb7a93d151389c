"""Where the declarations are: the YAML and JSON files that say which tasks there are.

They live in the repository's top-level folder ``tasks/`` and reach a wheel as package data, in
``fewshot_metalstm/tasks/``. Every reader of a declaration starts from :func:`folder`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError

DEFAULT_KIND = "tagging"
"""The kind of task of a declaration that names none."""

_PACKAGE = Path(__file__).resolve().parent


def folder() -> Path:
    """Return the folder of declarations: an installed one, else the source tree's.

    Raises:
        UserError: neither is there, so that the installation is incomplete.
    """
    return find(_PACKAGE)


def find(package: Path) -> Path:
    """Return the folder of declarations that belongs to the package in the folder ``package``.

    Raises:
        UserError: there is none.
    """
    installed = package / "tasks"
    if installed.is_dir():
        return installed
    root = package.parent
    # Only a source tree has a setup.cfg beside the package: `site-packages/tasks`, which any
    # other distribution might own, is never taken for ours.
    if (root / "setup.cfg").is_file() and (root / "tasks").is_dir():
        return root / "tasks"
    raise UserError(
        f"{installed}: the folder of task declarations is missing; install fewshot-metalstm again"
    )


def read_yaml(path: Path) -> Any:
    """What a YAML file says, to be looked at and not changed; a file is parsed once a process.

    Raises:
        OSError: it cannot be read.
        UnicodeDecodeError: it is not UTF-8.
        yaml.YAMLError: it is not YAML.
    """
    state = path.stat()
    return _parsed(path, state.st_mtime_ns, state.st_size, state.st_ino)


@lru_cache(maxsize=64)
def _parsed(path: Path, *state: int) -> Any:
    """The file in a state that its time, size and number tell from others."""
    import yaml  # here, so that sampling from text in memory needs no YAML

    del state
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # some 10 times faster in C
    return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
