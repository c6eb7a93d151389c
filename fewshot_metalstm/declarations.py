"""Where the declarations are: the YAML and JSON files that say which tasks there are.

They live in the repository's top-level folder ``tasks/`` and reach a wheel as package data, in
``fewshot_metalstm/tasks/``. Every reader of a declaration starts from :func:`folder`.
"""

from __future__ import annotations

from pathlib import Path

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
