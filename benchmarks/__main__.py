"""Run every benchmark of this folder in turn: ``python -m benchmarks``."""

from __future__ import annotations

import runpy
from pathlib import Path


def main() -> None:
    """Run the ``bench_*.py`` files by name."""
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        print(f"== {path.stem}")
        runpy.run_module(f"benchmarks.{path.stem}", run_name="__main__")


if __name__ == "__main__":
    main()
