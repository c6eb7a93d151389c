"""Reading series from a table: a row an hour, in long form or of one series.

The columns are ``unique_id, ds, y``, as Nixtla's libraries have them, or ``ds, y``. Other names are
found as long as there is no doubt: a time goes by ``datetime``, ``timestamp``, ``date`` or
``time``, and the value is the one column that is left.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fewshot_metalstm.data.digests import GZIP
from fewshot_metalstm.data.text_files import check_text
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.forecasting.series import Floats, Hours, Series, regular

SUFFIXES = {".csv": ",", ".tsv": "\t"}
PARQUET = ".parquet"
ID, TIMES, VALUES = "unique_id", ("ds", "datetime", "timestamp", "date", "time"), ("y", "value")
_CLEAR = ("ds", "datetime", "timestamp")  # what nothing but a series calls its times
IGNORED = "columns were not read"
OFFSETS = "times have an offset to UTC: the clock was taken as it is written"
EMPTY = frozenset(("", "nan", "na", "n/a", "null", "none"))
LARGEST = 2**30  # bytes of a file, unpacked
GREATEST = 1e100  # of a value: squares of greater ones would be infinite
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d(?:[T ]\d\d(?::\d\d(?::\d\d(?:\.0+)?)?)?)?)(Z|[+-]\d\d:?\d\d)?"
)


@dataclass(frozen=True)
class Columns:
    """Which columns are read, as the user names them; None finds them by common names."""

    time: str | None = None
    value: str | None = None


USUAL = Columns()


def read_series(
    path: Path, notes: Counter[str], columns: Columns = USUAL, data: bytes | None = None
) -> tuple[Series, ...]:
    """The series of a file, in the order in which they begin there.

    Args:
        notes: counts what was changed.
        data: the file's content, where it was read already.

    Raises:
        UserError: a file that cannot be read, is no such table, or whose rows are not hourly.
    """
    if path.suffix.lower() == PARQUET:
        head, rows = _parquet(path)
        lines: Sequence[int] = range(2, len(rows) + 2)
    else:
        head, rows, lines = _table(path, read_bytes(path) if data is None else data)
    ids, times, values = _chosen(path, head, rows, lines, notes, columns)
    hours, numbers = _hours(path, times, lines, notes), _numbers(path, values, lines)
    if ids is None:
        return (regular(path.name.split(".")[0], hours, numbers, notes, str(path)),)
    places = {name: place for place, name in enumerate(dict.fromkeys(ids))}
    own = np.array([places[name] for name in ids])
    return tuple(
        regular(name, hours[own == place], numbers[own == place], notes, f"{path}: {name}")
        for name, place in places.items()
    )


def read_bytes(path: Path) -> bytes:
    """The content of a file, unpacked where it is packed with gzip."""
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise at(path, None, f"cannot be read ({reason})", "check the path") from None
    if not data.startswith(GZIP):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            found = packed.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise at(path, None, f"is a damaged gzip file ({reason})", "copy it again") from None
    if len(found) > LARGEST:
        raise at(path, None, "is larger than a GiB, unpacked", "give less")
    return found


def header(path: Path) -> list[str]:
    """The names in the first row of a table, in lower case; empty where they cannot be read."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    delimiter = next((SUFFIXES[each] for each in suffixes if each in SUFFIXES), None)
    if delimiter is None:
        return []
    try:
        with gzip.open(path, "rb") if suffixes[-1] == ".gz" else path.open("rb") as file:
            first = file.readline(65_536).decode("utf-8-sig")
        return [name.strip().lower() for name in next(csv.reader([first], delimiter=delimiter))]
    except (OSError, EOFError, zlib.error, ValueError, csv.Error, StopIteration):
        return []


def looks_so(path: Path) -> bool:
    """Whether a file looks like a series: columns of times and values, or of times and another."""
    names = header(path)
    if len(names) == 2 and set(names) & set(_CLEAR):
        return True
    return any(name in names for name in TIMES) and any(name in names for name in VALUES)


def _table(path: Path, data: bytes) -> tuple[list[str], list[list[str]], list[int]]:
    """The names of the columns, the rows that are not empty, and the line that each begins in."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    delimiter = next((SUFFIXES[each] for each in suffixes if each in SUFFIXES), None)
    if delimiter is None:
        known = ", ".join((*SUFFIXES, PARQUET))
        raise at(path, None, "is no table of a form that is known", f"use {known}")
    check_text(path, data)
    text = data.decode("utf-8-sig")
    first = text.partition("\n")[0]
    if delimiter == "," and ";" in first and "," not in first:
        delimiter = ";"
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        head, start = next(reader, []), reader.line_num + 1
        rows, lines = [], []
        for row in reader:
            if row:
                rows.append(row)
                lines.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        raise at(path, reader.line_num, f"is no row of a table ({error})", "mend it") from None
    if len(head) < 2:
        raise at(path, 1, "has less than two columns", "give ds and y, with their names above")
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(head):
            problem = f"has {len(row)} cells, and the first row {len(head)}"
            raise at(path, line, problem, "mend the row")
    return [name.strip() for name in head], rows, lines


def _parquet(path: Path) -> tuple[list[str], list[list[str]]]:
    """Every cell as a text: one way to read times and values for all forms of tables."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise at(
            path, None, "cannot be read (no such file or directory)", "check the path"
        ) from None
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:120]
        raise at(path, None, f"is no Parquet file ({reason})", "write it again") from None
    cells = [
        ["" if cell is None else str(cell) for cell in column.to_pylist()]
        for column in table.columns
    ]
    return list(table.column_names), [list(row) for row in zip(*cells, strict=True)]


def _chosen(
    path: Path, head: list[str], rows: list[list[str]], lines: Sequence[int], notes: Counter[str],
    columns: Columns,
) -> tuple[list[str] | None, list[str], list[str]]:  # fmt: skip
    """The cells of the columns: names of series, if there are any, times and values."""
    lowered = [name.lower() for name in head]
    if len(set(lowered)) < len(lowered):
        raise at(path, 1, "has two columns of one name", "rename one")
    if not rows:
        raise at(path, None, "has no row below its first", "give some hours")
    time = _column(path, head, lowered, columns.time, TIMES, "time", "ds")
    series = lowered.index(ID) if ID in lowered else None
    left = [i for i in range(len(head)) if i not in (time, series)]
    if columns.value is None and len(left) == 1:
        value = left[0]
    else:
        value = _column(path, head, lowered, columns.value, VALUES, "value", "y")
    notes[IGNORED] += len(left) - 1
    ids = None
    if series is not None:
        ids = [row[series].strip() for row in rows]
        if "" in ids:
            raise at(path, lines[ids.index("")], f"has no {ID}", "name the series")
    return ids, [row[time].strip() for row in rows], [row[value].strip() for row in rows]


def _column(
    path: Path, head: Sequence[str], lowered: Sequence[str], given: str | None,
    known: Sequence[str], what: str, usual: str,
) -> int:  # fmt: skip
    if given is not None:
        if given not in head:
            problem = f"has no column {given}, but {', '.join(head)}"
            raise at(path, 1, problem, f"mend --{what}-column")
        return head.index(given)
    for name in known:
        if name in lowered:
            return lowered.index(name)
    problem = f"has no column {usual}, but {', '.join(head)[:200]}"
    raise at(path, 1, problem, f"name the column of the {what}s {usual}, or say --{what}-column")


def _hours(path: Path, times: Sequence[str], lines: Sequence[int], notes: Counter[str]) -> Hours:
    """The hours of times as texts, since the beginning of 1970, by the clock."""
    clocks, offsets = [], 0
    for line, text in zip(lines, times, strict=True):
        match = _TIME.fullmatch(text)
        if match is None:
            problem = f"has the time {text[:40]!r}"
            raise at(path, line, problem, "write it as 2024-01-31 13:00")
        clocks.append(match[1])
        offsets += match[2] is not None
    if offsets not in (0, len(times)):
        raise at(
            path, None, f"has an offset to UTC at {offsets} of {len(times)} times",
            "give it everywhere or nowhere",
        )  # fmt: skip
    notes[OFFSETS] += offsets
    try:
        seconds = np.array(clocks).astype("datetime64[s]").astype(np.int64)
    except ValueError:
        wrong, text = _first_wrong(clocks)
        problem = f"has the time {text!r}, which there is not"
        raise at(path, lines[wrong], problem, "mend it") from None
    between = np.flatnonzero(seconds % 3600)
    if len(between):
        first = int(between[0])
        problem = f"has the time {times[first]}, which is not on the hour"
        raise at(path, lines[first], problem, "give hourly data: average it to hours first")
    return seconds // 3600


def _first_wrong(clocks: Sequence[str]) -> tuple[int, str]:
    for number, text in enumerate(clocks):
        try:
            np.datetime64(text)
        except ValueError:
            return number, text
    raise AssertionError("one of them was refused")


def _numbers(path: Path, values: Sequence[str], lines: Sequence[int]) -> Floats:
    """The numbers of texts; NaN for an empty one."""
    try:
        # As objects: an array of texts has room in every row for the longest.
        found = np.array(values, object).astype(np.float64)
    except ValueError:
        found = np.array([_number(path, *each) for each in zip(lines, values, strict=True)])
    beyond = np.flatnonzero(np.abs(found) > GREATEST)
    if len(beyond):
        first = int(beyond[0])
        far = f"the value {values[first][:40]!r}, which is too far from 0"
        problem = f"has {'an infinite value' if np.isinf(found[first]) else far}"
        raise at(path, lines[first], problem, "mend it, or leave it empty")
    return found


def _number(path: Path, line: int, text: str) -> float:
    if text.lower() in EMPTY:
        return float("nan")
    try:
        return float(text)
    except ValueError:
        raise at(
            path, line, f"has the value {text[:40]!r}, which is no number",
            "mend it, or leave it empty where it is missing",
        ) from None  # fmt: skip


def unknown_file(path: Path) -> UserError:
    """The error for a file of a user's that is not there."""
    return at(path, None, "there is no such file", "check the path")
