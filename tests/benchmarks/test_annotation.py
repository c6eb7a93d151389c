"""What the simulated person presses, and what goes into the tables."""

from __future__ import annotations

import pytest

from benchmarks.annotation import as_seen, as_text, costs, example, show
from benchmarks.presses import Shown, keys, listed, marking, strokes
from fewshot_metalstm.kinds.tagging.annotate.learning import Proposals
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence, Span

ONE, TWO = Span(1, 3, "A"), Span(5, 6, "B")
WRONG = Span(0, 1, "A")


def shown(*proposals: tuple[Span, float], likely: tuple[tuple[Span, float], ...] = ()) -> Shown:
    return Shown(7, proposals, likely)


def test_keys_of_a_sentence_of_seven_words() -> None:
    assert marking([ONE], 7) == 2 + 1 + 1  # Home, right; shift right; the type
    assert marking([TWO], 7) == 2 + 0 + 1  # End, left; the type
    assert marking([ONE, TWO], 7) == 4 + 2 + 1  # three to the right would be more than End, left
    assert keys([ONE, TWO], shown()) == 7 + 1
    assert keys([], shown()) == 1
    assert keys([ONE, TWO], shown((ONE, 0.9), (TWO, 0.8))) == 1  # Shift Enter
    assert keys([ONE, TWO], shown((ONE, 0.9))) == 3 + 1
    assert keys([], shown((WRONG, 0.5))) == 2  # Enter, Enter
    assert keys([ONE], shown((WRONG, 0.5), (ONE, 0.9))) == 1 + 1  # r, Shift Enter
    assert keys([ONE], shown((ONE, 0.9), (WRONG, 0.5))) == 1 + 1  # the least sure first
    assert keys([ONE], shown((ONE, 0.5), (WRONG, 0.9))) == 1 + 2  # a, Enter, Enter


def test_ends_are_moved() -> None:
    assert keys([ONE], shown((Span(1, 2, "A"), 0.5))) == 1 + 1  # . and Enter
    assert keys([ONE], shown((Span(2, 4, "A"), 0.5))) == 2 + 1  # < , and Enter
    assert keys([ONE, TWO], shown((Span(1, 2, "A"), 0.5), (TWO, 0.4))) == 1 + 2 + 1  # a, Escape .
    assert keys([ONE, TWO], shown((Span(1, 2, "A"), 0.5), (TWO, 0.9))) == 1 + 1  # . Shift Enter
    # Of another type it is marked by hand, and the proposal is gone.
    assert keys([ONE], shown((Span(1, 2, "B"), 0.5))) == 4 + 1


def test_what_else_is_likely() -> None:
    likely = ((TWO, 0.3), (WRONG, 0.2), (Span(4, 6, "B"), 0.1))
    assert listed(likely, [ONE]) == [TWO, WRONG]
    assert listed(likely, [Span(0, 2, "A")]) == [TWO]
    far = Shown(30, (), ((Span(12, 13, "A"), 0.3), (Span(15, 17, "A"), 0.2)))
    assert keys([Span(15, 17, "A")], far) == 2 + 1 + 1  # m, m, a, Enter
    assert keys([Span(15, 18, "A")], far) == 2 + 1 + 1  # m, m, ., Enter
    assert keys([Span(12, 13, "A"), Span(15, 17, "A")], far) == 4 + 1
    assert keys([Span(0, 1, "A")], far) == 2 + 1  # by hand
    assert keys([Span(12, 13, "B")], far) == marking([Span(12, 13, "B")], 30) + 1


def test_strokes() -> None:
    assert strokes([ONE, TWO], shown((ONE, 0.9))) == 2 + 1
    assert strokes([ONE], shown((ONE, 0.9), (TWO, 0.9))) == 2  # reject, accept all
    assert strokes([], shown((ONE, 0.9), (TWO, 0.9), (WRONG, 0.1))) == 2  # Annotated, twice
    assert strokes([ONE], shown()) == 2 + 1
    assert strokes([ONE], shown((Span(1, 2, "A"), 0.5))) == 2 + 1  # marked over


def test_costs_of_a_sentence() -> None:
    sentence = Sentence(("a", "b", "c"), ("O", "B-A", "E-A"))
    text = as_text([sentence])
    assert example(0, sentence, text) == {"sentence": 0, "spans": [["A", [[2, 5]]]]}
    given = Proposals({0: [["A", [[2, 5]], 0.7]]}, {0: [["A", [[0, 1]], 0.1]]})
    seen = as_seen(sentence, given, 0, text)
    assert seen == {"gold": [[1, 3, "A"]], "length": 3, "proposals": [[1, 3, "A", 0.7]],
                    "likely": [[0, 1, "A", 0.1]]}  # fmt: skip
    paid = {"mentions": 1, "keys": 1, "strokes": 1, "keys_alone": 5, "strokes_alone": 3}
    assert costs(seen) == paid


def test_only_whole_draws_are_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    seen = {"gold": [[1, 3, "A"]], "length": 3, "proposals": [[1, 3, "A", 0.7]], "likely": []}
    rows = [
        {
            "target": "t",
            "draw": draw,
            "way": way,
            "seen": [seen] * 2,
            "scores": {"2": f1, "3": 30.0},
        }
        for draw, way, f1 in [(0, "chosen", 40.0), (0, "random", 20.0), (1, "chosen", 99.0)]
    ]
    show(rows, [2], [3])
    line = capsys.readouterr().out.splitlines()[-1]
    assert (
        line == "| t | 2 | 1 | 40.0 | 20.0 | 20.0 | 10.0 | 2 | 1.0 | 5.0 | 0.20 | 0.33 | 2 | 10 |"
    )
