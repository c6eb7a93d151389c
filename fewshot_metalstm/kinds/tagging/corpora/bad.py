"""What becomes of annotations that are wrong: a handful upstream must not cost a corpus.

``error``
    the file is read to its end, so that the error says how many there are, and then refused;
``repair``
    what can be mended is (an annotation moved to the nearest occurrence of its text, a token line
    without a token left out, an illegal tag sequence read as the mentions it must mean), and the
    rest is an error still;
``skip``
    they are left out: the annotation, of a file of columns its sentence;
``list``
    as ``skip``, and documents that cannot be read at all are left out too: what `check` does.

Whatever was mended or left out is kept in a list, to be counted and written beside the output.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from fewshot_metalstm.errors import UserError, at

ERROR, REPAIR, SKIP, LIST = "error", "repair", "skip", "list"
POLICIES = (ERROR, REPAIR, SKIP)
"""What a user chooses from."""

OFFSETS, LINE, IDS, TYPE = "wrong-offsets", "ill-formed-annotation", "repeated-id", "bad-type"
TOKEN, TAG, SEQUENCE = "blank-token", "ill-formed-line", "illegal-tags"
DOCUMENT, DOCUMENT_IDS, FILE = "unreadable-document", "duplicate-document-ids", "unreadable-file"
"""Kinds of faults."""

LEFT_OUT = "left out"
_SHOWN = 200  # characters of an annotation that a fault keeps
_NAMED = 5  # faults that an error names


@dataclass(frozen=True, slots=True)
class Fault:
    """A bad annotation: the file and line (from 1; None in JSON and XML, say) it stands in.

    ``words`` is the annotation as the file has it, ``done`` what became of it.
    """

    kind: str
    path: Path | str
    line: int | None
    problem: str
    cure: str
    words: str
    done: str

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.path}" if self.line is None else f"{self.path}:{self.line}"

    def row(self) -> tuple[str, str, str, str, str]:
        """File, line, annotation, problem and what was done: a row of the report file."""
        line = "" if self.line is None else str(self.line)
        return (str(self.path), line, self.words, self.problem, self.done)


@dataclass
class BadAnnotations:
    """The policy, and the faults that were met under it, in their order.

    ``offered``: whether the user can choose another one, so that errors say how.
    """

    policy: str = ERROR
    offered: bool = True
    faults: list[Fault] = field(default_factory=list)
    _open: list[Fault] = field(default_factory=list)  # those that a reader has to stop for

    def __post_init__(self) -> None:
        if self.policy not in (*POLICIES, LIST):
            raise UserError(f"{self.policy!r} is no way to treat bad annotations; use one of "
                            f"{', '.join(POLICIES)}")  # fmt: skip

    @property
    def repairs(self) -> bool:
        """Whether what can be mended is."""
        return self.policy == REPAIR

    @property
    def skips(self) -> bool:
        """Whether bad annotations are left out."""
        return self.policy in (SKIP, LIST)

    @property
    def stops(self) -> bool:
        """Whether an annotation was met that the policy does not do away with."""
        return bool(self._open)

    def leave_out(self, error: UserError, kind: str, words: str = "") -> None:
        """An annotation that is not taken; under ``error`` and ``repair`` the file is refused.

        Args:
            error: what is wrong, as :func:`fewshot_metalstm.errors.at` builds it.
            words: the annotation as the file has it.
        """
        fault = _fault(error, kind, words)
        if not self.skips:
            self._open.append(fault)
        self.faults.append(fault)

    def mended(self, error: UserError, kind: str, words: str, done: str) -> None:
        """An annotation that was wrong, as ``error`` says, and has been mended."""
        self.faults.append(replace(_fault(error, kind, words), done=done))

    def document(self, error: UserError, kind: str = DOCUMENT) -> None:
        """A document that cannot be read: raises ``error``, unless all faults are to be listed."""
        if self.policy != LIST:
            raise error
        self.faults.append(_fault(error, kind, ""))

    def check(self) -> None:
        """Refuse what was read, if an annotation was met that the policy does not do away with."""
        if not self._open:
            return
        first, count = self._open[0], len(self._open)
        problem, further = first.problem, "--bad-annotations repair or skip"
        if self.repairs:
            problem, further = f"{problem}, and cannot be repaired", "--bad-annotations skip"
        if count > 1:
            others = ", ".join(_beside(fault, first) for fault in self._open[1:_NAMED])
            problem += f" (the first of {count} bad annotations; then {others}"
            problem += ")" if count <= _NAMED else ", and so on)"
        self._open = []
        cure = f"{first.cure}, or pass {further}" if self.offered else first.cure
        raise at(first.path, first.line, problem, cure)

    def counts(self) -> Counter[str]:
        """How many were repaired and left out, as the notes of a reader name them."""
        left = sum(fault.done == LEFT_OUT for fault in self.faults)
        return Counter(repaired=len(self.faults) - left, bad_annotations=left)

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """The faults as rows of the report file."""
        return [fault.row() for fault in self.faults]


def _beside(fault: Fault, first: Fault) -> str:
    """Where another fault is, and what it is, for one who knows the first."""
    if fault.path != first.path:
        return f"{fault.place}: {fault.problem}"
    return fault.problem if fault.line is None else f"line {fault.line}: {fault.problem}"


def _fault(error: UserError, kind: str, words: str) -> Fault:
    path, line, problem, cure = error.parts or ("", None, str(error), "mend it")
    return Fault(kind, path, line, problem, cure, words[:_SHOWN], LEFT_OUT)
