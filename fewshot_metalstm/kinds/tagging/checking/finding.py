"""What a check found, and everything that was found together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITIES = (ERROR, WARNING, NOTE)
"""An error stops the other commands, or makes a score meaningless. A warning is likely to cost F1
or to mislead. A note is worth knowing."""


@dataclass(frozen=True)
class Finding:
    """Something to know of a text.

    ``name`` is short and stable, for scripts; ``count`` says how often it was seen, ``examples``
    are some of the places (file, line, what stands there), ``cure`` is what to do.
    """

    name: str
    severity: str
    problem: str
    count: int
    cure: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class SplitFacts:
    """What a split holds; lengths are in tokens."""

    split: str
    sentences: int
    bearing: int  # sentences with a mention
    tokens: int
    mentions: Mapping[str, int]  # by type
    median: int
    longest: int


@dataclass(frozen=True)
class Report:
    """All that was found in a text; ``scheme`` is None where it has no tags."""

    path: str
    format: str
    scheme: str | None
    splits: tuple[SplitFacts, ...]
    findings: tuple[Finding, ...]

    def count(self, severity: str) -> int:
        """How many findings have this severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        counts = {f"{severity}s": self.count(severity) for severity in SEVERITIES}
        return {**asdict(self), **counts}


def ranked(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Errors first, then warnings, then notes; otherwise in the order given."""
    return tuple(sorted(findings, key=lambda each: SEVERITIES.index(each.severity)))
