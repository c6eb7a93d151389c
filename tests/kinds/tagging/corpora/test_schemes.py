"""Tag schemes: recognising, validating, mending, converting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewshot_metalstm.kinds.tagging.corpora.schemes import (
    IllegalTagsError,
    Scheme,
    decode,
    detect,
    encode,
    repair,
    spans,
    to_iobes,
    validate,
    violations,
)
from fewshot_metalstm.kinds.tagging.corpora.sentence import Span

TYPES = ("GENE", "Regulon-operon", "O")  # a type may hold a hyphen, and may be called O


@st.composite
def annotated(draw: st.DrawFn) -> tuple[tuple[Span, ...], int]:
    """Disjoint mentions, often touching, and the length of their sentence."""
    mentions, end = [], 0
    for gap, size, kind in draw(
        st.lists(
            st.tuples(st.integers(0, 2), st.integers(1, 4), st.sampled_from(TYPES)), max_size=6
        )
    ):
        mentions.append(Span(end + gap, end + gap + size, kind))
        end += gap + size
    return tuple(mentions), end + draw(st.integers(0, 3))


tag_soup = st.lists(
    st.one_of(
        st.just("O"), st.builds("{}-{}".format, st.sampled_from("BIESLU"), st.sampled_from(TYPES))
    ),
    max_size=12,
)


@pytest.mark.parametrize("scheme", Scheme)
@given(annotation=annotated())
def test_schemes_round_trip(scheme: Scheme, annotation: tuple[tuple[Span, ...], int]) -> None:
    mentions, length = annotation
    tags = encode(mentions, length, scheme)
    assert violations(tags, scheme) == []
    assert tuple(decode(tags)) == mentions
    assert tuple(spans(to_iobes(tags, scheme))) == mentions
    assert repair(tags, scheme) == (tags, 0)


@given(annotation=annotated(), source=st.sampled_from(Scheme))
def test_schemes_are_detected(annotation: tuple[tuple[Span, ...], int], source: Scheme) -> None:
    mentions, length = annotation
    tags = encode(mentions, length, source)
    found = detect([tags])
    assert violations(tags, found) == []
    assert tuple(decode(tags)) == mentions
    if mentions and source in (Scheme.IOB1, Scheme.IOB2):
        assert found is source


@given(tags=tag_soup, scheme=st.sampled_from(Scheme))
def test_schemes_repair_makes_legal_and_keeps_tokens(tags: list[str], scheme: Scheme) -> None:
    mended, changed = repair(tags, scheme)
    validate(mended, scheme)
    assert [tag == "O" for tag in mended] == [tag == "O" for tag in tags]
    assert [tag[2:] for tag in mended] == [tag[2:] for tag in tags]
    assert changed == sum(a != b for a, b in zip(tags, mended, strict=True))
    assert (changed == 0) == (violations(tags, scheme) == [])


@given(tags=tag_soup)
def test_schemes_spans_are_strict(tags: list[str]) -> None:
    for span in spans(tags):
        inside = tags[span.start : span.end]
        validate(inside, Scheme.IOBES)
        assert len(decode(inside)) == 1


@pytest.mark.parametrize(
    ("tags", "scheme", "index"),
    [
        ("O B-X", Scheme.IOB1, 1),
        ("I-X B-Y", Scheme.IOB1, 1),
        ("B-X I-Y", Scheme.IOB2, 1),
        ("I-X", Scheme.IOB2, 0),
        ("B-X E-X", Scheme.IOB2, 1),
        ("B-X O", Scheme.IOBES, 1),
        ("B-X", Scheme.IOBES, 0),
        ("S-X E-X", Scheme.IOBES, 1),
        ("B-X E-Y", Scheme.IOBES, 1),
        ("B-X S-X", Scheme.IOBES, 1),
        ("B-X I-X", Scheme.BILOU, 1),
        ("U-X L-X", Scheme.BILOU, 1),
        ("S-X", Scheme.BILOU, 0),
        ("O M-X", Scheme.IOB2, 1),
        ("O B-", Scheme.IOB2, 1),
        ("O ", Scheme.IOB2, 0),
    ],
)
def test_schemes_refuse_what_is_illegal(tags: str, scheme: Scheme, index: int) -> None:
    with pytest.raises(IllegalTagsError) as caught:
        validate(tags.split(" ") if tags != "O " else ["O "], scheme)
    assert caught.value.violation.index == index
    assert str(index + 1) in str(caught.value)


@pytest.mark.parametrize(
    ("tags", "scheme", "mended", "changed"),
    [
        ("O I-X I-X", Scheme.IOB2, "O B-X I-X", 1),
        ("I-X I-Y", Scheme.IOB2, "B-X B-Y", 2),
        ("B-X B-X", Scheme.IOB1, "I-X B-X", 1),
        ("B-X I-X O", Scheme.IOBES, "B-X E-X O", 1),
        ("E-X I-X", Scheme.IOBES, "S-X S-X", 2),
        ("B-X L-X S-Y", Scheme.IOBES, "B-X E-X S-Y", 1),
    ],
)
def test_schemes_repair_by_hand(tags: str, scheme: Scheme, mended: str, changed: int) -> None:
    assert repair(tags.split(), scheme) == (tuple(mended.split()), changed)


def test_schemes_repair_refuses_malformed() -> None:
    with pytest.raises(IllegalTagsError, match="'GENE'"):
        repair(["O", "GENE"], Scheme.IOB2)


@pytest.mark.parametrize(
    ("sentences", "scheme"),
    [
        (["O O"], Scheme.IOB2),
        (["O B-X I-X O"], Scheme.IOB2),
        (["O I-X I-X O"], Scheme.IOB1),
        (["I-X B-X"], Scheme.IOB1),
        (["B-X B-X"], Scheme.IOB2),
        (["O S-X"], Scheme.IOBES),
        (["O U-X"], Scheme.BILOU),
        (["B-X I-X", "I-X I-X", "B-X O"], Scheme.IOB2),  # one fault does not make it IOB1
        (["O O", "B-X E-X"], Scheme.IOBES),
    ],
)
def test_schemes_detect_by_hand(sentences: list[str], scheme: Scheme) -> None:
    assert detect([tags.split() for tags in sentences]) is scheme


def test_schemes_detect_refuses_a_mixture() -> None:
    with pytest.raises(ValueError, match="E, L mix IOBES and BILOU"):
        detect([["B-X", "E-X"], ["B-X", "L-X"]])


def test_schemes_names() -> None:
    assert Scheme.parse("bioes") is Scheme.IOBES
    assert Scheme.parse("BIO") is Scheme.IOB2
    with pytest.raises(ValueError, match="IOB1, IOB2, IOBES, BILOU"):
        Scheme.parse("IOB")


def test_schemes_encode_refuses_overlap() -> None:
    with pytest.raises(ValueError, match="overlaps"):
        encode([Span(0, 2, "X"), Span(1, 3, "X")], 4, Scheme.IOBES)
