"""Files of tensors (``safetensors``) that others may read as they may other files."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def write_tensors(
    tensors: Mapping[str, Tensor], path: Path, record: Mapping[str, str] | None = None
) -> None:
    """Write tensors by name to ``path``, in a folder that nobody else writes to.

    The library makes a file for its owner alone (mode 600). This one gets the mode of any new
    file, by the process's umask.

    Args:
        record: texts that go into the head of the file.
    """
    from safetensors.torch import save_file

    path.touch()  # before the library, which replaces it
    mode = path.stat().st_mode & 0o777
    save_file(dict(tensors), path, None if record is None else dict(record))
    with suppress(OSError):  # a file system without modes
        path.chmod(mode)
