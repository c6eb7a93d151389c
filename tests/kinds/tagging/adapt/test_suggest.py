"""Which sentences are suggested."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.suggest import (
    candidates,
    mean_states,
    mistakes,
    sentences_of,
    suggest,
)
from fewshot_metalstm.kinds.tagging.corpora.sentence import Span
from fewshot_metalstm.kinds.tagging.formats import Document, Mention
from fewshot_metalstm.kinds.tagging.tagger.confidence import Reading
from fewshot_metalstm.kinds.tagging.tagger.encoding import WordTable
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, TaggerModel
from fewshot_metalstm.kinds.tagging.tagger.possible import Possible
from tests.kinds.tagging.tagger.builders import model

TEXT = "Mice ate the red apples. Rats ate the red apples. Mice ate the red apples. Too short."


def test_candidates_are_distinct_long_enough_and_not_known() -> None:
    document = Document("d", TEXT, (Mention(0, 4, "Species"),))
    found = candidates([document])
    assert [" ".join(each.tokens) for each in found] == [
        "Mice ate the red apples .", "Rats ate the red apples ."
    ]  # fmt: skip
    assert found[0].document.mentions == ()
    (other,) = candidates([document], {found[0].tokens})
    assert other == found[1]


def test_suggestions_are_the_same_every_time_and_pre_annotated() -> None:
    tagger = model(kind=TAGGER, types=1)
    pool = candidates([Document("d", TEXT)])
    first, second = suggest(tagger, pool, 5, 0.5), suggest(tagger, pool, 5, 0.5)
    assert first == second
    assert {each.id for each in first} == {"d-0", "d-25"}
    for each in first:
        document = each.as_document()
        assert document.problem() is None
        assert document.text == TEXT[each.candidate.offsets[0][0] :][: len(document.text)]
        assert len(document.mentions) == len(each.reading.mentions)
        assert [document.text[a:b] for a, b in document.tokens] == list(each.candidate.tokens)
    with pytest.raises(UserError, match="no sentence is left to suggest"):
        suggest(tagger, [], 5)
    with pytest.raises(UserError, match="use 0 to 1"):
        suggest(tagger, pool, 5, 2.0)


def test_mistakes_are_what_is_wrong_and_what_is_missed() -> None:
    one, two, three = Span(0, 2, "X"), Span(0, 1, "X"), Span(4, 5, "X")
    reading = Reading(mentions=(one,), confidences=(0.75,))
    every = [Possible(one, 0.75), Possible(two, 0.2), Possible(three, 0.5)]
    assert mistakes(reading, every) == pytest.approx(0.25 + 0.2 + 0.5)
    assert mistakes(Reading(), []) == 0


def test_without_diversity_mistakes_alone_count() -> None:
    tagger = model(kind=TAGGER, types=1)
    pool = candidates([Document("d", TEXT + " It was seen that three of them ran.")])
    found = [each.mistakes for each in suggest(tagger, pool, 5, 0.0)]
    assert len(found) == 3
    assert found == sorted(found, key=float, reverse=True)  # type: ignore[arg-type]


def test_states_do_not_depend_on_the_batch() -> None:
    tagger = model(kind=TAGGER, types=1)
    sentences = [("Mice", "ran"), ("one", "longer", "sentence", "of", "six", "words")]
    both = mean_states(tagger, sentences)
    alone = np.concatenate([mean_states(tagger, [each]) for each in sentences])
    np.testing.assert_allclose(both, alone, atol=1e-5)


def test_columns_need_no_tags(tmp_path: Path) -> None:
    file = tmp_path / "a.tsv"
    file.write_text("Mice\nran\n\nRats\nran\n")
    assert list(sentences_of(file)) == [("Mice", "ran"), ("Rats", "ran")]
    file.write_text("Mice\tB-A\nran\tO\n")
    assert list(sentences_of(file)) == [("Mice", "ran")]


def test_columns_with_an_ill_formed_line_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("Mice B-Species\nwere O O\n\nRats B-Species\nrun O\n", encoding="utf-8")
    line = r"a\.conll:2: has 3 columns where line 1 has 2; give every token line the same columns"
    with pytest.raises(UserError, match=line):
        list(sentences_of(path))


def test_one_table_of_words_serves_all(monkeypatch: pytest.MonkeyPatch) -> None:
    tagger = model(kind=TAGGER, types=1)
    made: list[WordTable] = []
    fresh = TaggerModel.table

    def counted(self: TaggerModel) -> WordTable:
        made.append(fresh(self))
        return made[-1]

    monkeypatch.setattr(TaggerModel, "table", counted)
    suggest(tagger, candidates([Document("d", TEXT)]), 5, 0.5)
    assert len(made) == 1


def test_words_are_looked_up_in_the_table_that_is_given() -> None:
    tagger = model(kind=TAGGER, types=1)
    table = tagger.table()
    sentences = [("Mice", "ate"), ("Rats",)]
    with_it = mean_states(tagger, sentences, table)
    assert len(table) > 0
    np.testing.assert_array_equal(with_it, mean_states(tagger, sentences))
