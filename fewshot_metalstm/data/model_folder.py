"""The folder of a model of any kind: its ``config.json`` and the digests of its files, checked.

What the fields mean, and what is built of them, is the kind's business.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fewshot_metalstm.data.digests import is_whole, sealed, sha256
from fewshot_metalstm.declarations import DEFAULT_KIND
from fewshot_metalstm.errors import at

FORMAT = "fewshot-metalstm"
CONFIG = "config.json"


def read_config(
    folder: Path, role: str | None, *, kind: str, version: int, needed: Mapping[str, type],
    roles: Mapping[str, str],
) -> dict[str, Any]:  # fmt: skip
    """Read and check a model's ``config.json``.

    Args:
        role: what kind of model it has to be, such as ``checkpoint``; None for any.
        kind: the kind of task that reads it.
        version: the newest format version that it reads.
        needed: the fields that there have to be, with their types.
        roles: what to do about a model of another role, by the role that is asked for.

    Raises:
        UserError: no model there, one written by something else, by a newer version or for another
            kind, a damaged one, or one of another role.
    """
    path = folder / CONFIG
    cure = "give the folder that meta-train, train or adapt wrote"
    anew = "make the model anew"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not folder.exists():
            raise at(folder, None, "holds no model (there is no such folder)", cure) from None
        # Of a run that holds a model, or that trained on several tasks.
        found = sorted(folder.glob(f"*/{CONFIG}")) or sorted(folder.glob(f"*/*/{CONFIG}"))
        if found:
            cure = "give that of one of its models, such as " + str(found[0].parent)
            read_config(
                found[0].parent, role, kind=kind, version=version, needed=needed, roles=roles
            )
        raise at(folder, None, f"holds no model ({CONFIG} is missing)", cure) from None
    except NotADirectoryError:
        raise at(folder, None, "is a file, not a model's folder", cure) from None
    except (ValueError, OSError):
        raise at(path, None, "is damaged (not JSON)", anew) from None
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise at(path, None, "was not written by fewshot-metalstm", cure)
    found = config.get("task_kind", DEFAULT_KIND)
    if found != kind:
        raise at(folder, None, f"is a model of the kind {found}, not {kind}", cure)
    written = config.get("format_version")
    if not isinstance(written, int) or written > version:
        raise at(
            path, None, f"has format version {written}, newer than {version}",
            "upgrade fewshot-metalstm",
        )  # fmt: skip
    if not is_whole(config):
        raise at(path, None, "is damaged or was changed (its digest differs)", anew)
    for key, form in needed.items():
        if not isinstance(config.get(key), form):
            raise at(path, None, f"is damaged ({key} is missing or ill-formed)", anew)
    if role is not None and config["kind"] != role:
        raise at(folder, None, f"is a {config['kind']}, not a {role}", roles[role])
    return config


def write_config(config: Mapping[str, Any], folder: Path) -> None:
    """Write a model's ``config.json``, sealed with a digest of itself."""
    text = json.dumps(sealed(config), ensure_ascii=False, indent=1) + "\n"
    (folder / CONFIG).write_text(text, encoding="utf-8")


def check_files(folder: Path, names: Iterable[str], digests: Mapping[str, str]) -> None:
    """Refuse with a :class:`UserError` a file that is missing, or whose SHA-256 is another."""
    for name in names:
        path = folder / name
        if not path.is_file():
            raise at(path, None, "is missing", "copy the whole folder, or make it anew")
        if sha256(path.read_bytes()) != digests.get(name):
            raise at(path, None, "is damaged (its SHA-256 differs)", "make it anew")


@contextmanager
def built_of(folder: Path) -> Iterator[None]:
    """Turn what goes wrong with building a model of its files into a line for the user.

    Raises:
        UserError: what the config says does not fit the weights.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (RuntimeError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError,
            SafetensorError) as problem:  # fmt: skip
        raise at(
            folder / CONFIG, None, "does not fit the weights beside it", "make it anew"
        ) from problem
