"""Mentions that cannot all be kept: refused, or the longest kept and the rest counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.formats import Document, Mention, Notes, to_sentences
from fewshot_metalstm.kinds.tagging.formats.notes import lines
from fewshot_metalstm.kinds.tagging.formats.overlaps import continuous, flat
from fewshot_metalstm.kinds.tagging.formats.registry import write_documents

TEXT = "head and neck cancer in IL-2-deficient mice. It ran."
SPLIT = Mention(0, 20, "Disease", "T1", ((0, 4), (14, 20)))
NECK = Mention(9, 20, "Disease", "T2")
GENE = Mention(24, 28, "Gene")


def kept(*mentions: Mention) -> tuple[tuple[Mention, ...], Notes]:
    notes = Notes()
    return flat(Document("d", TEXT, mentions), "longest", notes, "f").mentions, +notes


def test_a_discontinuous_mention_stands_for_all_between_its_ends() -> None:
    found, notes = kept(NECK, SPLIT, GENE)
    assert [(m.start, m.end) for m in found] == [(0, 20), (24, 28)]
    assert notes == {"discontinuous": 1, "overlapping": 1}
    assert lines(notes) == [
        "1 discontinuous mentions taken from their first character to their last",
        "1 mentions left out that overlap a longer one",
    ]


def test_of_equally_long_ones_the_first_is_kept_and_repeated_ones_are_one() -> None:
    one, two = Mention(0, 8, "A"), Mention(4, 12, "B")
    assert kept(two, one) == ((one,), {"overlapping": 1})
    other = Mention(0, 8, "B")
    assert kept(other, one) == ((other,), {"overlapping": 1})
    assert kept(one, Mention(0, 8, "A", "x")) == ((one,), {"repeated": 1})
    chain = [Mention(0, 3, "A"), Mention(2, 9, "A"), Mention(8, 11, "A"), Mention(11, 12, "A")]
    assert kept(*chain) == ((chain[1], chain[3]), {"overlapping": 2})


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.builds(lambda a, n: Mention(a, a + n, "A"), st.integers(0, 20), st.integers(1, 8)),
        max_size=12,
    )
)  # fmt: skip
def test_the_longest_leaves_nothing_out_without_a_longer_neighbour(given: list[Mention]) -> None:
    found, notes = kept(*given)
    for one in found:
        for other in found:
            assert one is other or one.end <= other.start or other.end <= one.start
    for lost in set(given) - set(found):
        assert any(
            k.start < lost.end and lost.start < k.end and k.end - k.start >= lost.end - lost.start
            for k in found
        )
    assert len(given) == len(found) + notes["overlapping"] + notes["repeated"]


def test_error_names_document_and_cure() -> None:
    message = (
        r"f: document d: Disease 'head and neck cancer' at 0-20 is discontinuous; "
        r"pass --overlaps longest"
    )
    with pytest.raises(UserError, match=message):
        to_sentences(Document("d", TEXT, (SPLIT,)), place="f")
    whole = Document("d", TEXT, (Mention(0, 20, "Disease"), NECK))
    with pytest.raises(UserError, match="overlaps Disease 'neck cancer' at 9-20"):
        to_sentences(whole, place="f")


def test_line_ends_between_fragments_make_no_gap() -> None:
    document = Document("d", "ion\r\nchannel", (Mention(0, 12, "A", "", ((0, 3), (5, 12))),))
    assert continuous(document, "error", Notes(), "").mentions == (Mention(0, 12, "A"),)


def test_tokens_are_split_where_a_mention_ends_within_one() -> None:
    notes = Notes()
    document = Document(
        "d", "IL2R binds. Then X ran", (Mention(0, 3, "G"), Mention(17, 18, "S"))
    )  # fmt: skip
    one, two = to_sentences(document, notes=notes)
    assert one.sentence.tokens == ("IL2", "R", "binds", ".")
    assert one.sentence.tags == ("S-G", "O", "O", "O")
    assert two.sentence.tags == ("O", "S-S", "O")
    assert notes["split_tokens"] == 1


def test_a_mention_across_a_sentence_end_joins_the_two() -> None:
    notes = Notes()
    text = "We saw St. John. And B. subtilis. End."
    start, end = text.index("John"), text.index(" subtilis")
    placed = to_sentences(Document("d", text, (Mention(start, end, "P"),)), notes=notes)
    assert [" ".join(p.sentence.tokens[-2:]) for p in placed] == ["subtilis .", "End ."]
    assert notes["joined_sentences"] == 1
    blank = Document("d", "a  b", (Mention(1, 3, "P"),))
    with pytest.raises(UserError, match="the P at 1-3 is white space"):
        to_sentences(blank)
    assert to_sentences(blank, overlaps="longest", notes=notes)[0].sentence.tags == ("O", "O")
    assert notes["blank"] == 1


def test_formats_without_overlaps_or_fragments_follow_the_policy(tmp_path: Path) -> None:
    document = Document("1", TEXT, (SPLIT, NECK))
    for format in ("conll", "pubtator", "label-studio", "prodigy"):
        with pytest.raises(UserError, match="is discontinuous"):
            write_documents([document], tmp_path / "x", format)
        assert not (tmp_path / "x").exists()
        notes = Notes()
        write_documents([document], tmp_path / "x", format, overlaps="longest", notes=notes)
        assert notes["discontinuous"] == 1
        assert notes["overlapping"] == (format == "conll")
        (tmp_path / "x").unlink()
