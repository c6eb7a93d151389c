"""Accuracy and confusion, beside scikit-learn's where it is, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fewshot_metalstm.kinds.digits.kind import DIGITS
from fewshot_metalstm.kinds.digits.score import FIGURE, compare, parts

CLASSES = ("6", "7", "9")
LABELS, PREDICTED = np.array([0, 0, 1, 1, 1, 1, 2]), np.array([0, 1, 1, 1, 2, 0, 2])


def test_by_hand() -> None:
    found = compare(LABELS, PREDICTED, CLASSES)
    assert found.value == pytest.approx(100 * 4 / 7)
    assert found.size == 7
    assert {name: (s.value, s.size) for name, s in found.groups.items()} == {
        "6": (50.0, 2), "7": (50.0, 4), "9": (100.0, 1),
    }  # fmt: skip
    assert found.confusion is not None
    assert found.confusion.counts.tolist() == [[1, 1, 0], [1, 2, 1], [0, 0, 1]]
    assert dict(found.further) == {}


def test_as_scikit_learn_has_it() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 4, 500), rng.integers(0, 4, 500)
    found = compare(labels, predicted, tuple("6789"))
    assert found.value == pytest.approx(100 * metrics.accuracy_score(labels, predicted))
    assert found.confusion is not None
    expected = metrics.confusion_matrix(labels, predicted)
    np.testing.assert_array_equal(found.confusion.counts, expected)
    recalls = 100 * metrics.recall_score(labels, predicted, average=None)
    assert [s.value for s in found.groups.values()] == pytest.approx(recalls.tolist())


def test_a_class_without_images_has_no_score() -> None:
    found = compare(np.array([0, 0]), np.array([0, 2]), CLASSES)
    assert set(found.groups) == {"6"}
    with pytest.raises(ValueError, match="1 predictions for 2 labels"):
        compare(np.array([0, 0]), np.array([0]), CLASSES)


def test_a_score_comes_back_from_a_file() -> None:
    from fewshot_metalstm.adapt.cell import score_as_dict

    found = compare(LABELS, PREDICTED, CLASSES)
    assert DIGITS.read_score(score_as_dict(found, FIGURE)) == found


@pytest.mark.parametrize("number", [0, 1, 499, 500, 501, 1200])
def test_pieces_are_the_whole(number: int) -> None:
    pieces = list(parts(number))
    assert [i for piece in pieces for i in piece.tolist()] == list(range(number))
    assert all(0 < len(piece) <= 500 for piece in pieces)
