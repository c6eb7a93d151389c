"""learn2learn without its vision, gym and text packages.

``import learn2learn`` imports those three, and with them torchvision and gym, which a CPU-only
set-up does not have. The parts that matter here (``algorithms``, ``data``, ``nn``, ``optim``)
never use them, so they stand in as empty modules while the import runs, and go away after it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from fewshot_metalstm.errors import UserError

_UNUSED = ("learn2learn.gym", "learn2learn.text", "learn2learn.vision")


def load() -> ModuleType:
    """Import learn2learn and return it; ``algorithms``, ``data``, ``nn``, ``optim`` are usable.

    A learn2learn that the process has imported before is returned as it is. Otherwise its
    ``gym``, ``text`` and ``vision`` are left out: importing one of them later works, or fails,
    as it would have without this function.

    Raises:
        UserError: learn2learn, or a package that it needs, is not installed.
    """
    loaded = sys.modules.get("learn2learn")
    if loaded is not None:
        return loaded
    try:
        with _empty_modules(_UNUSED):
            package = importlib.import_module("learn2learn")
    except ModuleNotFoundError as error:
        raise UserError(
            f"learn2learn cannot be imported ({error}); run `make install`, or "
            "`pip install tqdm scipy requests` and then "
            "`pip install --use-pep517 --no-deps -r requirements-learn2learn.txt`"
        ) from error
    for name in _UNUSED:
        package.__dict__.pop(name.rpartition(".")[2], None)
    return package


@contextmanager
def _empty_modules(names: tuple[str, ...]) -> Iterator[None]:
    """Register an empty module under each of ``names`` while the block runs."""
    stubs = {name: ModuleType(name) for name in names}
    sys.modules.update(stubs)
    try:
        yield
    finally:
        for name, stub in stubs.items():
            if sys.modules.get(name) is stub:
                del sys.modules[name]
