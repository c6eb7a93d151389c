"""The documents of a file of any format."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.kinds.tagging.checking.any_text import documents_of, is_columns

LINES = (
    "PMID 1\tThe strain W303 was grown.\n"
    "PMID 2\tIts growth in rich medium was slow.\n"
    "PMID 3\tSlow growth\n"
)


def test_sentences_behind_a_number_and_a_tab_are_text(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text(LINES)
    (document,) = documents_of(file)
    assert (document.text, document.tokens) == (LINES, ())


@pytest.mark.parametrize("content", ["IL-2\tNN\nbinds\tVB\n", "IL-2\tB-Cell line\nbinds\tX\n\tO\n"])
def test_a_token_a_line_is_columns(content: str, tmp_path: Path) -> None:
    file = tmp_path / "tokens.txt"
    file.write_text(content)
    assert is_columns(file)
