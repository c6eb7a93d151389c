"""Features of words, checked by hand."""

from __future__ import annotations

import pytest

from fewshot_metalstm.kinds.tagging.adapt.hand_features import features, shape, short, word_features


def test_a_word() -> None:
    assert set(word_features("IL-2Ra")) == {
        "word=IL-2Ra", "lower=il-2ra", "shape=XX-dXx", "short=X-dXx",
        "prefix=i", "prefix=il", "prefix=il-", "prefix=il-2",
        "suffix=a", "suffix=ra", "suffix=2ra", "suffix=-2ra",
        "has digit", "hyphen", "capital", "inner capital",
    }  # fmt: skip
    assert set(word_features("p")) == {
        "word=p", "lower=p", "shape=x", "short=x", "prefix=p", "suffix=p", "lower case"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("word", "held"),
    [
        ("123", {"digits", "has digit"}),
        ("RNA", {"upper", "capital", "inner capital"}),
        ("p53", {"has digit", "lower case"}),
        ("Gene", {"capital"}),
        ("(", {"punctuation"}),
        ("-", {"punctuation", "hyphen"}),
    ],
)
def test_flags(word: str, held: set[str]) -> None:
    assert {name for name in word_features(word) if "=" not in name} == held


def test_shapes() -> None:
    assert (shape("Aβ-42"), short("AAbb-42")) == ("Xx-dd", "Xx-d")


def test_neighbours_and_the_ends() -> None:
    rows = features(("a", "b", "c", "d"))
    for row, names in zip(
        rows,
        [
            {"word=a", "-2:BOS", "-1:BOS", "+1:word=b", "+2:word=c"},
            {"word=b", "-2:BOS", "-1:word=a", "+1:word=c", "+2:word=d"},
            {"word=c", "-2:word=a", "-1:word=b", "+1:word=d", "+2:EOS"},
            {"word=d", "-2:word=b", "-1:word=c", "+1:EOS", "+2:EOS"},
        ],
        strict=True,
    ):
        kept = {n for n in row if "word=" in n or n.endswith("OS")}
        assert kept == names
        assert "bias" in row
    own = {f"+1:{name}" for name in word_features("b")}
    assert own <= set(rows[0])
    assert features(()) == []
