"""The figures of a sitting, from the journal, and where they are tracked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from fewshot_metalstm.kinds.tagging.annotate.project import Project
from fewshot_metalstm.tracked_run import Tracker

PAUSE = 120.0  # seconds between two actions that still count as work


def figures(project: Project, before: int) -> dict[str, float]:
    """What was done since there were ``before`` entries in the journal.

    ``seconds`` are those between actions, without pauses of more than two minutes; ``actions`` by
    what was done; ``accepted_share`` the share of the proposals that were decided, 0 to 1, where
    any was.
    """
    entries = project.journal.entries[before:]
    done = Counter(entry.get("how", entry["do"]) for entry in entries)
    found: dict[str, float] = {
        "actions": len(entries), "seconds": round(_worked(entries), 1),
        "annotated_sentences": len(project.done()),
        "annotated_mentions": sum(
            len(project.state.marks(i).spans) for i in project.done()
        ),
        **{f"actions_{name}": number for name, number in sorted(done.items())},
    }  # fmt: skip
    decided = done["accept"] + done["reject"]
    if decided:
        found["accepted_share"] = done["accept"] / decided
    return found


def track(
    tracker: Tracker, project: Project, before: int, points: Sequence[Mapping[str, Any]]
) -> None:
    """Log a sitting as a run: its figures, and the points of the learning curve that it added."""
    about = project.about
    with tracker.run(
        f"annotate {project.name}",
        params={"project": str(project.folder), "source": about["source"],
                "types": ",".join(project.state.types), "sentences": len(project.text)},
        tags={"kind": "annotate", "task_kind": "tagging", "synthetic": "false"},
    ) as run:  # fmt: skip
        for point in points:
            half = {} if point["half"] is None else {"folds_f1_half_width": point["half"]}
            run.log(point["sentences"], {"folds_f1": point["f1"], **half})
        run.metrics(figures(project, before))


def _worked(entries: Sequence[Mapping[str, Any]]) -> float:
    times = [entry["at"] for entry in entries]
    gaps = (b - a for a, b in pairwise(times))
    return float(sum(gap for gap in gaps if 0 <= gap <= PAUSE))
