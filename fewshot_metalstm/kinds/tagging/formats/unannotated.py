"""Text that nobody annotated is not text without mentions.

Tools for annotation export what is done and what is not: a task without an annotation, or with a
cancelled one, an example that was rejected or ignored, a document that was not confirmed. Readers
mark these (:attr:`Document.annotated`), and the policy says what becomes of them:

``skip``
    left out, and counted;
``skip-empty``
    so too, and BRAT's texts whose ``.ann`` is empty or absent: it makes the empty files before
    anyone annotates. They may also be texts that hold no mention, so that ``skip`` takes them,
    and says how many there are where others are annotated;
``negatives``
    all are text without mentions;
``keep``
    all are given as they are, with their mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from fewshot_metalstm.kinds.tagging.formats.document import Document
from fewshot_metalstm.kinds.tagging.formats.notes import Notes

SKIP, EMPTY, NEGATIVES, KEEP = "skip", "skip-empty", "negatives", "keep"
POLICIES = (SKIP, EMPTY, NEGATIVES)
"""What a user chooses from."""


def annotated(
    format: str, documents: Iterable[Document], policy: str, notes: Notes
) -> Iterator[Document]:
    """The documents that count under the policy; those left out, and taken, are counted."""
    empty = 0
    some = False  # whether a document of the folder is annotated
    for document in documents:
        if not document.annotated:
            if policy in (SKIP, EMPTY):
                notes["unannotated"] += 1
                continue
            if policy == NEGATIVES:
                notes["unannotated_taken"] += 1
                document = replace(document, annotated=True)
        elif document.mentions:
            some = True
        elif format == "brat":
            empty += 1
            if policy == EMPTY:
                continue
        yield document
    if policy == EMPTY:
        notes["empty_left_out"] += empty
    elif policy == SKIP and some:
        notes["empty_annotations"] += empty
