"""The lexicon of a support: what it holds, finds, adds to the emissions, and how it is stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger.lexicon import Lexicon, lexicon_of, read_lexicon
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, load_model, save_model
from tests.kinds.tagging.tagger.builders import model

SUPPORT = [
    Sentence(("Patients", "drink", "E", ".", "coli"), ("S-X", "O", "B-X", "I-X", "E-X")),
    Sentence(("patients", "of", "strain", "K12"), ("S-X", "O", "O", "S-Y")),
    Sentence(("drink", "yeast", "and", "yeast"), ("O", "S-X", "O", "O")),
]


def test_it_holds_the_mentions_that_are_annotated_wherever_they_stand() -> None:
    lexicon = lexicon_of(SUPPORT, ("X", "Y"), 2.0)
    assert lexicon.mentions == {("patients",): "X", ("e", ".", "coli"): "X", ("k00",): "Y"}


def test_mentions_of_other_types_are_left_out() -> None:
    assert set(lexicon_of(SUPPORT, ("Y",), 2.0).mentions) == {("k00",)}


def test_a_phrase_of_two_types_is_not_known() -> None:
    both = [Sentence(("a",), ("S-X",)), Sentence(("a",), ("S-Y",))]
    assert not lexicon_of(both, ("X", "Y"), 1.0).mentions


def test_a_phrase_within_longer_mentions_counts_as_unannotated() -> None:
    inside = [
        Sentence(("rat",), ("S-X",)),
        Sentence(("Wistar", "rat"), ("B-X", "E-X")),
    ]
    assert set(lexicon_of(inside, ("X",), 1.0).mentions) == {("wistar", "rat")}


def test_it_finds_the_longest_whatever_the_case_and_digits() -> None:
    lexicon = Lexicon({("a",): "X", ("a", "b"): "Y", ("k00",): "X"}, 1.0)
    assert list(lexicon.find(("A", "B", "a", "K47", "c"))) == [
        (0, 2, "Y"), (2, 3, "X"), (3, 4, "X"),
    ]  # fmt: skip


phrases = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(tuple)


@given(st.dictionaries(phrases, st.sampled_from("XY"), max_size=6),
       st.lists(st.sampled_from("abcd"), max_size=12))  # fmt: skip
def test_what_is_found_is_there_and_does_not_overlap(
    mentions: dict[tuple[str, ...], str], tokens: list[str]
) -> None:
    end = 0
    for start, stop, kind in Lexicon(mentions, 1.0).find(tokens):
        assert start >= end
        assert mentions[tuple(tokens[start:stop])] == kind
        for other in mentions:
            if tuple(tokens[start : start + len(other)]) == other:
                assert len(other) <= stop - start
        for skipped in range(end, start):
            assert not any(tuple(tokens[skipped : skipped + len(m)]) == m for m in mentions)
        end = stop
    for skipped in range(end, len(tokens)):
        assert not any(tuple(tokens[skipped : skipped + len(m)]) == m for m in mentions)


def test_the_prior_is_the_bonus_at_the_tags_of_a_mention() -> None:
    lexicon = Lexicon({("a", "b", "c"): "Y", ("d",): "X"}, 3.0)
    prior = lexicon.prior([("a", "b", "c"), ("x", "d")], ("X", "Y"))
    assert prior is not None
    expected = torch.zeros(2, 3, 9)
    for place in [(0, 0, 5), (0, 1, 6), (0, 2, 7), (1, 1, 4)]:
        expected[place] = 3.0
    torch.testing.assert_close(prior, expected)


def test_no_prior_where_nothing_is_found_or_the_bonus_is_zero() -> None:
    assert Lexicon({("a",): "X"}, 3.0).prior([("b",)], ("X",)) is None
    assert Lexicon({("a",): "X"}, 0.0).prior([("a",)], ("X",)) is None
    assert Lexicon().prior([("a",)], ("X",)) is None


def test_it_is_stored_and_read() -> None:
    lexicon = lexicon_of(SUPPORT, ("X", "Y"), 2.5)
    assert read_lexicon(lexicon.as_dict(), ("X", "Y")) == lexicon


@pytest.mark.parametrize("mentions", [[["X"]], [["Z", "a"]]])
def test_a_damaged_one_is_refused(mentions: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="lexicon"):
        read_lexicon({"bonus": 1.0, "mentions": mentions}, ("X",))


def test_mentions_that_tagging_makes_no_use_of_are_not_saved(tmp_path: Path) -> None:
    tagger = replace(model(2, TAGGER), types=("Drug", "Gene"))
    for bonus in (0.0, 2.0):
        lexicon = Lexicon({("gene0-0",): "Gene"}, bonus)
        save_model(replace(tagger, lexicon=lexicon), tmp_path / "t")
        text = (tmp_path / "t" / "config.json").read_text(encoding="utf-8")
        assert ("gene0-0" in text) == bool(bonus)
        assert load_model(tmp_path / "t", TAGGER).lexicon == (lexicon if bonus else Lexicon())
