"""What is wrong with annotations, and documents that cannot be read, as findings by kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from fewshot_metalstm.kinds.tagging.checking.finding import ERROR, NOTE, WARNING, Finding
from fewshot_metalstm.kinds.tagging.corpora import bad
from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations, Fault

_CURE = "mend them, or pass --bad-annotations skip"
_REPAIR = "mend them, or pass --bad-annotations repair or skip"
_TYPE_ALONE = "is not O or <letter>-<type>"  # what readers say of such a tag
_KINDS = {
    bad.OFFSETS: (ERROR, "annotations whose text is not what stands at their offsets", _REPAIR),
    bad.LINE: (ERROR, "annotations that cannot be understood", _CURE),
    bad.IDS: (ERROR, "annotations with the id of one before them", _REPAIR),
    bad.TYPE: (ERROR, "annotations with an impossible type, place or number", _CURE),
    bad.TOKEN: (ERROR, "token lines without a token", _REPAIR),
    bad.TAG: (ERROR, "token lines with other columns or no tag", _CURE),
    bad.DOCUMENT_IDS: (WARNING, "documents with the id of one before them", _REPAIR),
    bad.DOCUMENT: (ERROR, "documents that cannot be read", "mend or remove them"),
    bad.FILE: (ERROR, "files that cannot be read to their end", "mend or remove them"),
}
_COUNTED = {
    "unannotated": (
        NOTE, "documents that nobody annotated, left out",
        "annotate them, or pass --unannotated negatives if they are text without mentions",
    ),
    "empty_annotations": (
        WARNING, "documents without any annotation beside annotated ones",
        "pass --unannotated skip-empty if nobody annotated them; else they are text without "
        "mentions",
    ),
}  # fmt: skip


def faulty(found: BadAnnotations, notes: Mapping[str, int], examples: int) -> Iterator[Finding]:
    """A finding for each kind of fault that was met, and for documents without annotation."""
    by_kind: dict[str, list[Fault]] = defaultdict(list)
    for fault in found.faults:
        by_kind[fault.kind].append(fault)
    for kind, (severity, problem, cure) in _KINDS.items():
        if kind in by_kind:
            faults = by_kind[kind]
            places = tuple(map(_place, faults[:examples]))
            if any(_TYPE_ALONE in fault.problem for fault in faults):
                cure = f"pass --scheme IO if tags are types alone; else {cure}"
            yield Finding(kind, severity, problem, len(faults), cure, places)
    for name, (severity, problem, cure) in _COUNTED.items():
        if notes.get(name):
            yield Finding(name.replace("_", "-"), severity, problem, notes[name], cure)


def _place(fault: Fault) -> str:
    words = f": {fault.words[:60]!r}" if fault.words else ""
    return f"{fault.place}: {fault.problem}{words}"
