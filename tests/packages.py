"""Packages of others, as an installed one looks: a module and its metadata in a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def install(
    folder: Path, name: str, points: Mapping[str, str], sources: Mapping[str, str],
    group: str = "fewshot_metalstm.algorithms",
) -> Path:  # fmt: skip
    """Put a package into ``folder``, which then belongs on ``PYTHONPATH``; returns the folder.

    Args:
        points: entry points of ``group``, by name.
        sources: modules by file name.
    """
    about = folder / f"{name.replace('-', '_')}-0.1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    lines = [f"[{group}]", *(f"{point} = {target}" for point, target in points.items())]
    (about / "entry_points.txt").write_text("\n".join(lines) + "\n")
    for file, text in sources.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def run_with(
    folders: list[Path], *arguments: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own with packages in reach; 1 thread, no compiled kernels."""
    path = os.pathsep.join([*map(str, folders), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, cwd=cwd,
        timeout=300,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "FEWSHOT_METALSTM_JIT": "0"},
    )  # fmt: skip
