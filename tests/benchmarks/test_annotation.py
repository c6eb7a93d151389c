"""What the simulated person presses."""

from __future__ import annotations

from benchmarks.annotation import as_text, cost, example, keys, marking, strokes
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence, Span

ONE, TWO = Span(1, 3, "A"), Span(5, 6, "B")
WRONG = Span(0, 1, "A")


def test_keys_of_a_sentence_of_seven_words() -> None:
    assert marking([ONE], 7) == 2 + 1 + 1  # Home, right; shift right; the type
    assert marking([TWO], 7) == 2 + 0 + 1  # End, left; the type
    assert marking([ONE, TWO], 7) == 4 + 2 + 1  # three to the right would be more than End, left
    assert keys([ONE, TWO], [], 7) == 7 + 1
    assert keys([], [], 7) == 1
    assert keys([ONE, TWO], [ONE, TWO], 7) == 1  # Shift Enter
    assert keys([ONE, TWO], [ONE], 7) == 3 + 1
    assert keys([ONE], [WRONG, ONE], 7) == 1 + 1  # r, Shift Enter
    assert keys([ONE], [ONE, TWO], 7) == 1 + 2  # a, Enter, Enter
    assert keys([], [WRONG], 7) == 2
    assert strokes([ONE, TWO], [ONE]) == 2 + 1
    assert strokes([ONE], [ONE, TWO]) == 1 + 2
    assert strokes([ONE], []) == 2 + 1


def test_costs_of_a_sentence() -> None:
    sentence = Sentence(("a", "b", "c"), ("O", "B-A", "E-A"))
    text = as_text([sentence])
    assert example(0, sentence, text) == {"sentence": 0, "spans": [["A", [[2, 5]]]]}
    found = cost(sentence, [["A", [[2, 5]], 0.7]], 0, text)
    assert found == {"mentions": 1, "keys": 1, "strokes": 1, "keys_alone": 5, "strokes_alone": 3}
