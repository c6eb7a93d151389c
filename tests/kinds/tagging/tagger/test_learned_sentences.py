"""What a checkpoint keeps of the sentences that it learned from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger.learned_sentences import (
    FILE,
    WIDTH,
    checked,
    digests_of,
    how_many,
)
from fewshot_metalstm.kinds.tagging.tagger.model import load_model, save_model
from tests.kinds.tagging.tagger.builders import model


def sentences(*texts: str) -> list[Sentence]:
    return [Sentence(tuple(text.split()), ("O",) * len(text.split())) for text in texts]


def test_equal_is_what_has_the_same_tokens_in_any_case() -> None:
    learned = digests_of(sentences("Mice ran .", "mice RAN .", "No p53"))
    assert len(learned) == 2 * WIDTH
    assert how_many(sentences("MICE ran .", "no P53", "mice ran", "Mice ran ."), learned) == 3
    more = digests_of(sentences("mice ran"), learned)
    assert how_many(sentences("MICE ran .", "no P53", "mice ran"), more) == 3
    assert checked(more) == more
    for wrong in (more[1:], more[WIDTH:] + more[:WIDTH], more + more):
        with pytest.raises(ValueError, match="no sorted digests"):
            checked(wrong)


def test_they_are_kept_with_the_checkpoint_and_checked(tmp_path: Path) -> None:
    learned = digests_of(sentences("Mice ran .", "No p53"))
    save_model(replace(model(), sentences=learned), tmp_path / "c")
    assert load_model(tmp_path / "c").sentences == learned
    (tmp_path / "c" / FILE).write_bytes(learned[:-1])
    with pytest.raises(UserError, match=rf"{FILE}: is damaged"):
        load_model(tmp_path / "c")
    (tmp_path / "c" / FILE).unlink()
    with pytest.raises(UserError, match=rf"{FILE}: is missing"):
        load_model(tmp_path / "c")
    save_model(model(), tmp_path / "without")
    assert load_model(tmp_path / "without").sentences == b""
    assert not (tmp_path / "without" / FILE).exists()
