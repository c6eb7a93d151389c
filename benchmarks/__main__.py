"""Run every benchmark of this folder in turn: ``python -m benchmarks [NAME...]``.

Each runs in a process of its own, so that one that fails leaves the others alone; which did is
said at the end, and the exit code is then 1.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks import peer

# These hold our code and a peer's in one process: they run where the peers are, if there are any.
WITH_PEERS = ("bench_crf",)
# These take a checkpoint, or a stand-in with fresh weights.
WITH_CHECKPOINT = ("bench_adapt", "bench_predict")
CHECKPOINT = Path("runs/bionlp/checkpoint")


def main(names: list[str]) -> int:
    """Run the ``bench_*.py`` files (those of ``names``, or all) by name; the exit code."""
    every = [path.stem for path in sorted(Path(__file__).parent.glob("bench_*.py"))]
    unknown = [name for name in names if name not in every]
    if unknown:
        print(f"error: no benchmark {unknown[0]}; there are {', '.join(every)}", file=sys.stderr)
        return 2
    failed = []
    for name in names or every:
        print(f"\n== {name}", flush=True)
        start = time.monotonic()
        command = [str(python_for(name)), "-m", f"benchmarks.{name}", *options_for(name)]
        code = subprocess.run(command, env=peer.environment(one_thread=False), check=False)
        print(f"({time.monotonic() - start:.0f} s)", flush=True)
        if code.returncode:
            failed.append(f"{name} (exit code {code.returncode})")
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def options_for(name: str) -> list[str]:
    """The checkpoint that ``meta-train --tasks bionlp`` left here, for what can use one."""
    if name in WITH_CHECKPOINT and (CHECKPOINT / "config.json").is_file():
        return ["--checkpoint", str(CHECKPOINT)]
    return []


def python_for(name: str) -> str | Path:
    """The interpreter that a benchmark runs under."""
    peers = peer.interpreter()
    if name in WITH_PEERS and peers is None:
        print(peer.ABSENT)
    return peers if peers is not None and name in WITH_PEERS else sys.executable


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
