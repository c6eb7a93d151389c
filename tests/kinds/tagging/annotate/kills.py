"""Kill a process that annotates, again and again, and look whether an acknowledged action is lost.

    python -m tests.kinds.tagging.annotate.kills --number 200

The process goes on with one project: it does an action, says so on its standard output when the
project has acknowledged it, and does the next. It is killed (``SIGKILL``) at random moments.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from fewshot_metalstm.kinds.tagging.annotate.journal import Journal
from fewshot_metalstm.kinds.tagging.annotate.project import JOURNAL
from fewshot_metalstm.seeds import numpy_generator
from tests.kinds.tagging.annotate.builders import mark, project

LATEST = 0.03  # seconds from the first action to the kill


@dataclass
class Done:
    """Kills, what was acknowledged before them, and how often a line was torn."""

    kills: int = 0
    acknowledged: int = 0
    written: int = 0
    torn: int = 0


def write(folder: Path) -> None:
    """Act until killed, and say the number of each entry when it is acknowledged."""
    with project(folder) as found:
        print("ready", flush=True)
        while True:
            count = len(found.journal.entries)
            found.act(mark(count % len(found.text), ("Strain", count % 7, count % 7 + 3)))
            print(len(found.journal.entries), flush=True)


def kill_writers(folder: Path, number: int, seed: int = 0) -> Done:
    """Kill so many writers of one project; AssertionError where an action is lost."""
    draw = numpy_generator(seed, "kills")
    with project(folder):
        pass
    done = Done()
    for _ in range(number):
        command = [sys.executable, "-m", __spec__.name, "--write", str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            time.sleep(float(draw.uniform(0, LATEST)))
            child.kill()
            said = [line for line in child.stdout.read().split("\n")[:-1] if line]
        journal = Journal(folder / JOURNAL)
        journal.close()
        last = int(said[-1]) if said else 0
        assert len(journal.entries) >= last, (
            f"{last} were acknowledged, {len(journal.entries)} are there"
        )
        for place, entry in enumerate(journal.entries):
            assert (entry["n"], entry["sentence"]) == (place + 1, place % 24)
        done.kills += 1
        done.acknowledged += len(said)
        done.written = len(journal.entries)
        done.torn += journal.cut > 0
    with project(folder) as found:  # and all of it holds
        assert len(found.state.changed) == min(done.written, len(found.text))
    return done


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    if given.write is not None:
        write(given.write)
    with tempfile.TemporaryDirectory() as folder:
        done = kill_writers(Path(folder) / "project", given.number, given.seed)
    print(f"{done.kills} kills, {done.acknowledged} acknowledged actions, none lost; "
          f"{done.torn} torn lines were cut")  # fmt: skip


if __name__ == "__main__":
    main()
