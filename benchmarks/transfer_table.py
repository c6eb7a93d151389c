"""A table of few-shot F1 from the reports that ``adapt`` wrote.

Run as ``python -m benchmarks.transfer_table REPORT.json...``; each report is what
``fewshot-metalstm adapt ... --baseline scratch --json`` prints. Differences are paired by draw.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from fewshot_metalstm.tagging.scoring import interval


def row(report: dict[str, Any]) -> str:
    """One line of the table: the method, from scratch, and their paired difference."""
    own = [draw["f1"] for draw in report["draws"]]
    scratch = [draw["f1"] for draw in report["baselines"]["scratch"]["draws"]]
    paired = interval([a - b for a, b in zip(own, scratch, strict=True)])
    cells = [spread(*interval(values)) for values in (own, scratch)]
    both = " / ".join(
        f"{sum(draw[name] for draw in report['draws']) / len(own):.1f}"
        for name in ("precision", "recall")
    )
    draws = ", ".join(f"{f1:.1f}" for f1 in own)
    shots = report["shots"]
    return (
        f"| {report['target']} | {shots} | {cells[0]} | {cells[1]} | {spread(*paired, sign='+')} "
        f"| {both} | {draws} |"
    )


def spread(mean: float, half: float, sign: str = "") -> str:
    """Mean and half width of the interval."""
    return f"{mean:{sign}.2f} ± {half:.2f}"


def main(paths: list[str]) -> None:
    """Print the table."""
    reports = [json.loads(Path(path).read_text(encoding="utf-8")) for path in paths]
    print("| target | shots | meta-learned | from scratch | difference | P / R | draws 0-4 |")
    print("|---|---|---|---|---|---|---|")
    for report in reports:
        print(row(report))


if __name__ == "__main__":
    main(sys.argv[1:])
