"""What is annotated is a function of the journal: marks, undo, redo, types, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_metalstm.kinds.tagging.annotate.state import (
    DONE,
    OPEN,
    SKIPPED,
    Marks,
    Span,
    State,
    as_json,
    read_span,
    valid_type,
)
from tests.kinds.tagging.annotate.builders import mark

SIZE, LENGTH = 4, 20


def fresh() -> State:
    """Four sentences of twenty characters; the third was marked in the text."""
    given = Marks((Span("A", ((0, 2),)),))
    return State(SIZE, lambda i: LENGTH, ["A", "B"], lambda i: given if i == 2 else Marks())


def do(state: State, entry: dict[str, Any]) -> int | None:
    state.check(entry)
    return state.apply(entry)


def test_marks_undo_and_redo() -> None:
    state = fresh()
    assert state.marks(2).spans == (Span("A", ((0, 2),)),)
    assert do(state, mark(0, ("A", 0, 3))) == 0
    assert do(state, mark(0, ("A", 0, 3), ("B", 1, 5))) == 0  # which overlap
    assert do(state, mark(2, status=DONE, how="done")) == 2
    assert (state.marks(2).spans, state.marks(2).status) == ((), DONE)
    assert state.done_order == [2]
    assert do(state, {"do": "undo"}) == 2
    assert (len(state.marks(2).spans), state.marks(2).status) == (1, OPEN)
    assert state.done_order == []
    assert do(state, {"do": "undo"}) == 0
    assert state.marks(0).spans == (Span("A", ((0, 3),)),)
    assert do(state, {"do": "redo"}) == 0
    assert len(state.marks(0).spans) == 2
    do(state, mark(1, status=SKIPPED, how="skip"))
    assert not state.can_redo  # something else was done since
    assert state.versions[0] == 4


ENTRIES = st.one_of(
    st.builds(
        lambda i, a, b, kind, status: mark(i, (kind, a, b), status=status),
        st.integers(0, SIZE - 1), st.integers(0, 9), st.integers(10, LENGTH),
        st.sampled_from("AB"), st.sampled_from([OPEN, DONE, SKIPPED]),
    ),
    st.just({"do": "undo"}), st.just({"do": "redo"}),
)  # fmt: skip


@given(st.lists(ENTRIES, max_size=30))
@settings(max_examples=100, deadline=None)
def test_undoing_all_leads_to_the_beginning_and_redoing_all_back(entries: list[Any]) -> None:
    state = fresh()
    for entry in entries:
        if entry["do"] == "mark" or (state.can_undo if entry["do"] == "undo" else state.can_redo):
            do(state, entry)
    now = [state.marks(i) for i in range(SIZE)]
    assert sorted(state.done_order) == [i for i in range(SIZE) if now[i].status == DONE]
    steps = 0
    while state.can_undo:
        do(state, {"do": "undo"})
        steps += 1
    assert [state.marks(i) for i in range(SIZE)] == [fresh().marks(i) for i in range(SIZE)]
    assert state.done_order == []
    for _ in range(steps):
        do(state, {"do": "redo"})
    assert [state.marks(i) for i in range(SIZE)] == now


@pytest.mark.parametrize(
    "entry",
    [
        {}, {"do": "drop"}, {"do": "undo"}, {"do": "redo"}, {"do": "type", "name": "A"},
        {"do": "type", "name": ""}, {"do": "type", "name": "a\nb"}, {"do": "type", "name": 3},
        {"do": "type", "name": "a,b"}, {"do": "type", "name": "x" * 101},
        {"do": "type", "name": "\ud800"},
        mark(SIZE), mark(-1), mark(True), mark("0"),  # type: ignore[arg-type]
        mark(0, ("C", 0, 1)), mark(0, ("A", 1, 1)), mark(0, ("A", -1, 1)), mark(0, ("A", 0, 21)),
        mark(0, ("A", 0, 1.0)), mark(0, ("A", 0, 1), ("A", 0, 1)),  # type: ignore[arg-type]
        mark(0, status="closed"), mark(0, how="hack"), mark(0, spans=None), mark(0, spans=[1]),
        mark(0, spans=[["A", []]]), mark(0, spans=[["A", [[0, 2], [1, 3]]]]),
        mark(0, spans=[[["A"], [[0, 2]]]]),
        mark(0, rejected={}), mark(0, spans=[["A", [[0, 1]]]] * 1001),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        fresh().check(entry)


def test_pieces_and_types() -> None:
    span = read_span(["A", [[0, 2], [5, 7]]], LENGTH)
    assert (span.start, span.end) == (0, 7)
    assert as_json([span]) == [["A", [[0, 2], [5, 7]]]]
    assert not span.overlaps(Span("B", ((2, 5),)))  # in its gap
    assert span.overlaps(Span("B", ((1, 3),)))
    state = fresh()
    assert do(state, {"do": "type", "name": "Café au lait"}) is None
    do(state, mark(0, ("Café au lait", 0, 1)))
    assert not valid_type(" a")
