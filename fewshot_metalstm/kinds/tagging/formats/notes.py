"""What was counted on the way: everything that a conversion changed, joined or left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

Notes: TypeAlias = Counter[str]

# In the order in which they are said; %d is the count.
_WORDS = {
    "documents": None,
    "mentions": None,
    "repaired": "%d bad annotations repaired",
    "bad_annotations": "%d bad annotations left out",
    "unannotated": "%d unannotated documents left out (--unannotated negatives takes them as text "
    "without mentions)",
    "unannotated_taken": "%d unannotated documents taken as text without mentions",
    "empty_annotations": "%d documents without any annotation beside annotated ones, taken as text "
    "without mentions (--unannotated skip-empty leaves them out)",
    "empty_left_out": "%d documents without any annotation beside annotated ones left out",
    "repeated": "%d mentions given twice (one of each kept)",
    "discontinuous": "%d discontinuous mentions taken from their first character to their last",
    "overlapping": "%d mentions left out that overlap a longer one",
    "blank": "%d mentions of white space alone left out",
    "trimmed": "%d mentions with white space at an end, which tokens do not hold",
    "split_tokens": "%d tokens split at an offset within them",
    "joined_sentences": "%d sentence ends passed over, as a mention crosses them",
    "mended_tags": "%d illegal tags mended",
    "utf16_offsets": "%d documents with offsets in UTF-16 units",
    "character_offsets": "%d documents with offsets in characters, not UTF-16 units",
    "byte_offsets": "%d documents with offsets in UTF-8 bytes",
    "newline_offsets": "%d documents with offsets that count a line's CR LF as one",
    "line_breaks": "%d line breaks written as blanks",
    "relations": "%d relations left out",
    "events": "%d events left out",
    "equivalences": "%d equivalences left out",
    "annotator_notes": "%d annotators' notes left out",
    "attributes_of_others": "%d attributes of events and relations left out",
    "other_annotations": "%d annotations of a further annotator left out",
    "other_layers": "%d annotations of layers that are no entities left out",
    "other_regions": "%d regions that are no labelled text left out",
    "rejected": "%d rejected or skipped examples, of which no mention is read",
    "node_annotations": "%d annotations without a location left out",
    "predictions": "%d sets of predictions left out",
    "lost_infons": "%d further infons of documents and passages left out",
    "comments": "%d comment lines passed over",
    "lost_ids": "%d ids of mentions that the format has no place for",
    "lost_attributes": "%d mentions with attributes that the format has no place for",
    "lost_confidences": "%d confidences that the format has no place for",
    "lost_passages": "%d passages that the format has no place for",
    "lost_sentences": "%d given sentence bounds that the format has no place for",
    "lost_tokens": "%d given token bounds that the format has no place for",
    "lost_text": "%d documents of which tokens alone are written, not the space between them",
    "lost_document_ids": "%d ids of documents that the format has no place for",
}
_ORDINARY = ("documents", "mentions", "comments")  # counts that are no loss


def lines(notes: Mapping[str, int]) -> list[str]:
    """The counts for a user, a line each."""
    known = losses(notes)
    return [words % known[name] for name, words in _WORDS.items() if words and name in known]


def losses(notes: Mapping[str, int]) -> dict[str, int]:
    """The counts of what was changed and left out, those that are not 0."""
    return {name: notes[name] for name in _WORDS if notes.get(name) and name not in _ORDINARY}
