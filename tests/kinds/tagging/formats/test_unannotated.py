"""Text that nobody annotated is left out, unless it is said to be text without mentions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.episodes.load import load_target
from fewshot_metalstm.kinds.tagging.formats import Notes, read_documents
from fewshot_metalstm.kinds.tagging.formats.unannotated import EMPTY, KEEP, NEGATIVES, SKIP

_REGION = {"type": "labels", "value": {"start": 0, "end": 4, "labels": ["Gene"]}}
STUDIO = [
    {"id": 1, "data": {"text": "IL-2 one"}, "annotations": [{"result": [_REGION]}]},
    {"id": 2, "data": {"text": "IL-2 two"}, "annotations": []},
    {"id": 3, "data": {"text": "IL-2 three"},
     "annotations": [{"was_cancelled": True, "result": [_REGION]}]},
    {"id": 4, "data": {"text": "none"}, "annotations": [{"result": []}]},
    {"id": 5, "data": {"text": "IL-2 five"}},
]  # fmt: skip
_SPANS = [{"start": 0, "end": 4, "label": "Gene"}]
PRODIGY = [
    {"text": "IL-2 one", "spans": _SPANS, "answer": "accept"},
    {"text": "IL-2 two", "spans": _SPANS, "answer": "reject"},
    {"text": "IL-2 three", "spans": _SPANS, "answer": "ignore"},
    {"text": "none", "spans": [], "answer": "accept"},
    {"text": "IL-2 five", "answer": "ignore"},
]
DOCCANO = [
    {"id": 1, "text": "IL-2 one", "label": [[0, 4, "Gene"]], "annotation_approver": "admin"},
    {"id": 2, "text": "IL-2 two", "label": [], "annotation_approver": None},
    {"id": 3, "text": "IL-2 three", "label": [[0, 4, "Gene"]], "is_confirmed": False},
    {"id": 4, "text": "none", "label": [], "annotation_approver": "admin"},
    {"id": 5, "text": "IL-2 five", "label": [[0, 4, "Gene"]], "confirmed": False},
]


@pytest.mark.parametrize(
    "records", [STUDIO, PRODIGY, DOCCANO], ids=["studio", "prodigy", "doccano"]
)
def test_what_tools_mark_is_left_out_and_counted(
    tmp_path: Path, records: list[dict[str, object]]
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    seen = {}
    for policy in (SKIP, NEGATIVES, KEEP):
        notes = Notes()
        found = list(read_documents(path, notes=notes, unannotated=policy))
        seen[policy] = [len(document.mentions) for document in found]
        if policy == SKIP:
            assert notes["unannotated"] == 3
        if policy == NEGATIVES:
            assert notes["unannotated_taken"] == 3
            assert all(document.annotated for document in found)
        if policy == KEEP:
            assert sum(not document.annotated for document in found) == 3
    assert seen == {SKIP: [1, 0], NEGATIVES: [1, 0, 0, 0, 0], KEEP: [1, 0, 0, 0, 0]}
    assert load_target(str(path)).sizes == {"train": 2}
    assert load_target(str(path), unannotated="negatives").sizes == {"train": 5}


def test_tasks_without_any_annotation_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(STUDIO[1:3]))
    with pytest.raises(
        UserError, match=r"no annotated sentence \(2 unannotated.*--unannotated neg"
    ):
        load_target(str(path))


def test_empty_annotation_files_are_said_and_left_out_on_demand(tmp_path: Path) -> None:
    for name, annotation in (("a", "T1\tGene 0 4\tIL-2\n"), ("b", ""), ("c", None)):
        (tmp_path / f"{name}.txt").write_text("IL-2 here")
        if annotation is not None:
            (tmp_path / f"{name}.ann").write_text(annotation)
    notes = Notes()
    assert len(list(read_documents(tmp_path, notes=notes))) == 3
    assert notes["empty_annotations"] == 2
    notes = Notes()
    assert len(list(read_documents(tmp_path, notes=notes, unannotated=EMPTY))) == 1
    assert notes["empty_left_out"] == 2
    (tmp_path / "a.ann").write_text("")
    notes = Notes()
    assert len(list(read_documents(tmp_path, notes=notes))) == 3
    assert notes["empty_annotations"] == 0, "none is annotated: no reason to doubt"
