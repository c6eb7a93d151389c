"""Segments: a document cut at every hundredth character, whatever bytes a character has."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.language_model import draws
from fewshot_metalstm.kinds.language_model.encoding import START, encode, rows_of
from fewshot_metalstm.kinds.language_model.tasks import TRAIN, TextTask
from fewshot_metalstm.kinds.language_model.text import Document
from tests.kinds.language_model.builders import text_task


def test_segments_are_the_text_cut_at_every_hundredth_character() -> None:
    task = text_task((700, 351, 5))
    assert task.sizes == {TRAIN: 7 + 4 + 1, "test": 50}
    parts = [task.text((place, place + 1)) for place in range(12)]
    assert b"".join(parts) == b"".join(each.data for each in task.documents)
    sizes = [len(part.decode()) for part in parts]
    assert sizes == task.characters.tolist() == [100] * 10 + [51, 5]
    assert task.spans(TRAIN) == ((0, 7), (7, 11), (11, 12))
    assert [task.number(place) for place in (0, 6, 7, 10, 11)] == [0, 0, 1, 1, 2]
    assert task.runs([0, 1, 5, 6, 7, 11]) == ((0, 2), (5, 7), (7, 8), (11, 12))
    assert task.size([(5, 7), (10, 12)]) == 256


def test_digests_tell_where_a_document_ends() -> None:
    def digest(*texts: bytes) -> str:
        documents = tuple(Document("x", text) for text in texts)
        whole = {TRAIN: tuple(range(len(texts)))}
        return TextTask("x", "x", documents, whole).digests[TRAIN]

    assert digest(b"ab", b"c") != digest(b"a", b"bc")
    assert digest(b"ab", b"c") == digest(b"ab", b"c")


@pytest.mark.parametrize("context", [0, 30, 150])
def test_a_row_is_read_from_a_little_before_it(context: int) -> None:
    task = text_task((700, 350))
    rows = rows_of([(0, 3), (7, 11)], 2)
    assert rows == [(0, 2), (2, 3), (7, 9), (9, 11)]
    batch = encode(task, rows, context)
    assert batch.characters == task.size(rows)
    assert batch.bytes == sum(len(task.text(row)) for row in rows)
    for i, row in enumerate(rows):
        scored = batch.weight[i] > 0
        assert bytes(batch.targets[i][scored].tolist()) == task.text(row)
        begin = int(task.begins[task.number(row[0])])
        first = int(task.cuts[row[0]])
        length = int(batch.lengths[i])
        assert int(scored.nonzero()[0]) == min(context, first - begin)
        assert not scored[length:].any()
        symbols = batch.symbols[i, :length].tolist()
        assert symbols[1:] == batch.targets[i, : length - 1].tolist()
        from_begin = first - context <= begin
        before = int(task.codes[max(first - context - 1, 0)])
        assert symbols[0] == (START if from_begin else before)


def test_a_number_means_one_document_at_every_size() -> None:
    task = text_task([16_000] * 6 + [7_000] * 6)
    found = {
        shots: [draws.support(task, shots, number, seed=0) for number in range(6)]
        for shots in (1, 2, 5, 10)
    }
    starts = [support[0] for support in found[1]]
    assert sorted(starts) == [160 * number for number in range(6)]
    for shots, supports in found.items():
        assert [support[0] for support in supports] == starts
        assert supports[0] == tuple(range(starts[0], starts[0] + 10 * shots))
    ((start, stop),) = task.query(task.runs(found[2][0]))
    assert (start, stop) == (starts[0] + 20, starts[0] + 70)
    assert [draws.support(task, 1, n, seed=1)[0] for n in range(6)] != starts
    # None has 16 thousand and a query behind them, though some have ten.
    with pytest.raises(UserError, match="16,000 characters and 5,000 behind them"):
        draws.support(task, 16, 0, seed=0)
    with pytest.raises(UserError, match="leaves no character to score"):
        draws.support(task, 0, 0, seed=0)
    with pytest.raises(UserError, match="no 5,000 characters behind the support"):
        task.query([(0, 120)])


def test_frozen_draws_are_believed_for_their_text_alone(tmp_path: Path) -> None:
    task = text_task([16_000] * 3)
    (path,) = draws.FROZEN.freeze([task], tmp_path)
    assert draws.FROZEN.check([task], tmp_path) == ()
    assert draws.load_draw(task, 5, 2, folder=tmp_path) == draws.draw(task, 5, 2)
    other = text_task([16_100] * 3)
    assert "another train split" in draws.FROZEN.check([other], tmp_path)[0]
    with pytest.raises(UserError, match="another train split"):
        draws.load_draw(other, 5, 2, folder=tmp_path)
    path.write_text(path.read_text().replace('"draw":4', '"draw":9'))
    assert "is not a file of frozen draws" in draws.FROZEN.check([task], tmp_path)[0]
