"""What documents are called that are tagged together."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.documents import called, document_names
from fewshot_metalstm.kinds.tagging.formats import Document


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["a/notes.txt", "b/other.txt"], ["notes", "other"]),
        (["a/notes.txt", "b/notes.txt", "b/x.txt"], ["a/notes", "b/notes", "x"]),
        (["a/x/notes.txt", "b/x/notes.txt"], ["a/x/notes", "b/x/notes"]),
        (["/notes.txt", "/a/notes.txt"], ["notes", "a/notes"]),
        (["a/notes.txt", "a/notes.conll"], ["notes.txt", "notes.conll"]),
    ],
)
def test_files_of_one_name_are_told_apart(files: list[str], names: list[str]) -> None:
    assert document_names([Path(file) for file in files]) == names


def test_a_file_that_is_given_twice_is_refused() -> None:
    with pytest.raises(UserError, match=r"^a/notes\.txt: is given twice.*; name it once$"):
        document_names([Path("a/notes.txt"), Path("a/./notes.txt")])


def test_only_ids_that_were_made_of_the_name_change() -> None:
    ids = ["notes", "notes-12", "notes-b", "17", "my notes"]
    documents = [Document(each, "text") for each in ids]
    path = Path("a/notes.txt")
    assert [each.id for each in called(documents, path, "notes")] == ids
    assert [each.id for each in called(documents, path, "a/notes")] == [
        "a/notes", "a/notes-12", "notes-b", "17", "my notes",
    ]  # fmt: skip
