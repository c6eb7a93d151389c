"""Tables of hours: forms that are read, and a line that names the place for those that are not."""

from __future__ import annotations

import gzip
import tracemalloc
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.forecasting import tables
from fewshot_metalstm.kinds.forecasting.tables import Columns, looks_so, read_series
from tests.kinds.forecasting.builders import START, load, rows

LONG = """unique_id,ds,y,temperature
b,2024-01-01 00:00,1,9
a,2024-01-01 00:00,10,9
b,2024-01-01 01:00,2,9
a,2024-01-01 01:00,20,9
"""


def read(
    path: Path, text: str, columns: Columns = tables.USUAL
) -> tuple[dict[str, list[float]], Counter[str]]:
    path.write_text(text, "utf-8")
    notes: Counter[str] = Counter()
    return {s.name: s.values.tolist() for s in read_series(path, notes, columns)}, notes


def test_a_long_table_has_several_series(tmp_path: Path) -> None:
    found, notes = read(tmp_path / "x.csv", LONG)
    assert found == {"b": [1, 2], "a": [10, 20]}
    assert notes[tables.IGNORED] == 1


@pytest.mark.parametrize(
    ("head", "delimiter"), [("ds,y", ","), ("Datetime,PJME_MW", ","), ("y;timestamp", ";")]
)
def test_columns_are_found_by_their_names(tmp_path: Path, head: str, delimiter: str) -> None:
    order = 1 if head.startswith("y") else -1
    lines = [("2024-01-01 00:00:00", "1.5"), ("2024-01-01T01:00", "2")]
    text = "\n".join([head, *(delimiter.join(line[::-order]) for line in lines)])
    found, _ = read(tmp_path / "my.load.csv", text)
    assert found == {"my": [1.5, 2]}


def test_columns_may_be_named(tmp_path: Path) -> None:
    text = "day,a,b\n2024-01-01,1,5\n2024-01-01 01:00,2,6\n"
    found, _ = read(tmp_path / "x.csv", text, Columns("day", "b"))
    assert found == {"x": [5, 6]}


def test_offsets_are_left_out_and_counted(tmp_path: Path) -> None:
    text = "ds,y\n2024-10-27T02:00:00+02:00,1\n2024-10-27T02:00:00+01:00,3\n2024-10-27 03:00Z,5\n"
    found, notes = read(tmp_path / "x.csv", text)
    assert found == {"x": [2, 5]}
    assert notes[tables.OFFSETS] == 3


def test_packed_and_parquet_say_the_same(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = np.round(load(2, 0), 2)
    text = rows(values)
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    hours = np.datetime64("2024-01-01T00", "us") + np.arange(48) * np.timedelta64(1, "h")
    pq.write_table(pa.table({"ds": hours, "y": values}), tmp_path / "b.parquet")
    for path in (packed, tmp_path / "b.parquet"):
        (found,) = read_series(path, Counter())
        assert (found.start, found.values.tolist()) == (START, values.tolist())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1: has less than two columns"),
        ("ds,y\n", "has no row"),
        ("ds,y\n2024-01-01,1,2\n", "2: has 3 cells"),
        ("when,y\n2024-01-01,1\n", "1: has no column ds, but when, y"),
        ("ds,a,b\n2024-01-01,1,2\n", "1: has no column y, but ds, a, b"),
        ("ds,y,Y\n2024-01-01,1,2\n", "two columns of one name"),
        ("ds,y\n01/02/2024,1\n", "2: has the time '01/02/2024'"),
        ("ds,y\n2024-01-01,1\n2024-02-30,1\n", "3: has the time '2024-02-30', which there is not"),
        ("ds,y\n2024-01-01 00:15,1\n", "2: has the time 2024-01-01 00:15, which is not on the"),
        ("ds,y\n2024-01-01 00:00Z,1\n2024-01-01 01:00,1\n", "an offset to UTC at 1 of 2"),
        ("ds,y\n2024-01-01,1\n2024-01-01 01:00,\"1,5\"\n", "3: has the value '1,5'"),
        ("ds,y\n2024-01-01,inf\n", "2: has an infinite value"),
        ("ds,y\n2024-01-01,-3e200\n", "2: has the value '-3e200', which is too far from 0"),
        ("ds,y\n2024-01-01,1\n2024-01-01 01:00,1\0\n", "3: has a zero byte"),
        ("ds,y\n\n2024-01-01,1,2\n", "3: has 3 cells"),
        ("ds,y\n2024-01-01,1\r\n\r\n\n2024-01-01 00:15,1\n", "5: has the time 2024-01-01 00:15"),
        ("ds,y\n\n2024-02-30,1\n", "3: has the time '2024-02-30'"),
        ("ds,y\n\n01/02/2024,1\n", "3: has the time '01/02/2024'"),
        ("ds,y\n\n2024-01-01,inf\n", "3: has an infinite value"),
        ("ds,y\n\n2024-01-01,x\n", "3: has the value 'x'"),
        ("unique_id,ds,y\n\"a\nb\",2024-01-01,1\n,2024-01-01,1\n", "4: has no unique_id"),
        ("ds,y\n2024-01-01,NA\n", "has no value"),
        ("unique_id,ds,y\n,2024-01-01,1\n", "2: has no unique_id"),
        ("ds,y\n\"2024-01-01,1\n", "is no row of a table"),
        ("ds,y\n2024-01-01,1\n2024-03-01,1\n", "give hourly data"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path / "x.csv", text)
    assert problem in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "x.csv"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("column", ["unique_id", "y"])
def test_a_long_cell_takes_no_room_in_every_row(tmp_path: Path, column: str) -> None:
    long = "x" * 100_000
    lines = [
        f"{long if column == 'unique_id' and hour == 499 else 'a'},{time},1"
        for hour, time in enumerate(
            np.datetime64("2024-01-01T00") + np.arange(500) * np.timedelta64(1, "h")
        )
    ]
    if column == "y":
        lines[-1] = lines[-1].removesuffix("1") + long
    path = tmp_path / "x.csv"
    path.write_text("\n".join(["unique_id,ds,y", *lines]))
    tracemalloc.start()
    try:
        if column == "y":
            with pytest.raises(UserError, match="501: has the value 'xxx"):
                read_series(path, Counter())
        else:
            assert [len(each) for each in read_series(path, Counter())] == [499, 1]
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_bytes_that_are_no_table_are_refused(tmp_path: Path) -> None:
    for name, data, problem in (
        ("a.csv", b"ds,y\n\xff,1\n", "2: is not UTF-8"),
        ("a.csv.gz", b"\x1f\x8b\x08cut", "damaged gzip"),
        ("a.parquet", b"PAR1", "is no Parquet file"),
        ("a.xlsx", b"PK", "is no table of a form that is known"),
        ("none.csv", None, "cannot be read"),
        ("none.parquet", None, "cannot be read"),
    ):
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match=problem):
            read_series(tmp_path / name, Counter())


def test_what_any_bytes_do(tmp_path: Path) -> None:
    """Cut, swapped and doubled bytes end in a series or in one line."""
    text, rng = LONG.encode(), np.random.default_rng(0)
    refused = []
    for number in range(150):
        data = bytearray(text)
        for _ in range(int(rng.integers(1, 6))):
            at = int(rng.integers(len(data)))
            data[at : at + int(rng.integers(3))] = rng.bytes(int(rng.integers(3)))
        path = tmp_path / f"{number}.csv"
        path.write_bytes(bytes(data))
        try:
            found = read_series(path, Counter())
        except UserError as problem:
            refused.append(str(problem))
        else:
            assert all(len(each) for each in found)
    assert len(refused) > 20
    assert not any("\n" in line for line in refused)


def test_the_look_of_a_file(tmp_path: Path) -> None:
    for name, head, looks in (
        ("a.csv", "ds,y", True), ("b.csv", "unique_id,ds,y", True), ("c.csv", "text,label", False),
        ("d.tsv", "timestamp\tvalue", True), ("e.csv", "time,text", False),
        ("g.csv", "Datetime,PJME_MW", True), ("h.csv", "timestamp,text,label", False),
        ("f.txt", "ds,y", False),
    ):  # fmt: skip
        (tmp_path / name).write_text(f"{head}\n1,2\n")
        assert looks_so(tmp_path / name) is looks
