"""A user's texts, labelled or not: CSV, TSV and JSON, a text a line, a folder of texts.

Of a table (.csv, .tsv) the first row names the columns; of JSON every object (a line each in
.jsonl, a list in .json) has the text and its label by name. Which column is which is guessed by
common names, or said. Cells may be quoted and hold line breaks, as the csv module reads them; in a
.tsv marks that are none around cells belong to the texts.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from fewshot_metalstm.data.quoting import CURE, broken, quoting_of
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.classification.decoding import decode, read_bytes
from fewshot_metalstm.printable import encodable

TEXT_COLUMNS = ("text", "review", "sentence", "comment", "message", "content", "body", "document",
                "tweet", "post", "utterance", "question")  # fmt: skip
LABEL_COLUMNS = ("label", "class", "category", "labels", "sentiment", "target", "topic", "intent",
                 "polarity", "y")  # fmt: skip
ID_COLUMNS = ("id", "identifier", "doc_id", "text_id")
TABLES = {".csv": (",", ";", "\t"), ".tsv": ("\t",)}  # delimiters that are tried, by suffix
LINES = (".jsonl", ".ndjson")
JSON = (*LINES, ".json")
LONGEST_CELL = 16 * 2**20  # characters


@dataclass(frozen=True)
class Row:
    """A text as it stands in a file: its label where there is one, and its line."""

    text: str
    label: str | None
    line: int
    id: str


@dataclass(frozen=True)
class Columns:
    """Names of the columns, as they stand in a file; None for what is not there."""

    text: str
    label: str | None
    id: str | None


def read_rows(
    path: Path, notes: Counter[str], text_column: str | None = None,
    label_column: str | None = None, *, labelled: bool = True,
) -> Iterator[Row]:  # fmt: skip
    """The texts of a table or of JSON, in order.

    Args:
        notes: counts what is read otherwise than it stands there.
        labelled: whether a column of labels has to be there.

    Raises:
        UserError: a file that is absent or ill-formed, or a column that is not there.
    """
    suffix = path.suffix.lower()
    text = decode(read_bytes(path), path, notes)
    wanted = (text_column, label_column)
    if suffix in JSON:
        return _of_json(path, text, wanted, labelled)
    if suffix in TABLES:
        return _of_table(path, text, wanted, labelled)
    raise at(
        path, None, "is no table or JSON of texts and labels",
        f"name it {', '.join((*TABLES, *JSON))}, or give a folder with a folder of .txt files "
        "for each class",
    )  # fmt: skip


def header_of(text: str, delimiters: Sequence[str]) -> tuple[str, list[str]]:
    """The delimiter of a table's first line with anything in it, and its cells.

    Of several delimiters it is the one with most cells.
    """
    line = next((each for each in text.splitlines() if each.strip()), "")
    found = []
    for delimiter in delimiters:
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            continue
        found.append((delimiter, [cell.strip() for cell in cells]))
    return max(found, key=lambda each: len(each[1]), default=(delimiters[0], []))


def columns_of(
    names: Sequence[str], wanted: tuple[str | None, str | None], path: Path, line: int | None,
    *, labelled: bool,
) -> Columns:  # fmt: skip
    """Which of some names are those of texts, labels and ids.

    Raises:
        UserError: there is none, or not the one that is wanted.
    """
    text, label = wanted

    def one(given: str | None, usual: Sequence[str], what: str, needed: bool) -> str | None:
        if given is not None:
            if given not in names:
                raise at(
                    path, line, f"has no column {given!r} (it has {_listed(names)})",
                    f"name one of these with --{what}-column",
                )  # fmt: skip
            return given
        lowered = {name.lower(): name for name in reversed(names)}
        guessed = next((lowered[name] for name in usual if name in lowered), None)
        if guessed is None and needed:
            raise at(
                path, line, f"has no column of {what}s that is known (it has {_listed(names)})",
                f"name it with --{what}-column",
            )  # fmt: skip
        return guessed

    texts = one(text, TEXT_COLUMNS, "text", True)
    assert texts is not None
    labels = one(label, LABEL_COLUMNS, "label", labelled)
    if labels == texts:
        raise at(path, line, f"{texts!r} cannot be text and label at once", "name two columns")
    return Columns(texts, labels, one(None, ID_COLUMNS, "id", False))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:8])
    return (shown or "none") + (", ..." if len(names) > 8 else "")


def _of_table(
    path: Path, text: str, wanted: tuple[str | None, str | None], labelled: bool
) -> Iterator[Row]:
    delimiter, _ = header_of(text, TABLES[path.suffix.lower()])
    csv.field_size_limit(LONGEST_CELL)
    quoting = quoting_of(text, delimiter)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)
    header: list[str] | None = None
    columns: Columns | None = None
    start = end = 0
    while True:
        last, start = start, end + 1
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            long = f"has a cell of more than {LONGEST_CELL >> 20} MiB"
            problem = long if "limit" in str(error) else f"is no row of a table ({error})"
            raise at(path, start, problem, "mend its quotation marks") from None
        end = rows.line_num
        if not any(cell.strip() for cell in row):
            continue
        if header is None or columns is None:
            header = [cell.strip() for cell in row]
            if len(set(header)) < len(header):
                twice = next(name for name in header if header.count(name) > 1)
                raise at(path, start, f"names the column {twice!r} twice", "rename one")
            columns = columns_of(header, wanted, path, start, labelled=labelled)
            continue
        if len(row) != len(header):
            problem = f"has {len(row)} cells where the header has {len(header)}"
            cure = "put texts that hold the delimiter in quotation marks"
            if broken(row):
                problem += f", as a quotation mark that it opens is closed in line {end}"
                cure = CURE
            raise at(path, start, problem, cure)
        cells = dict(zip(header, row, strict=True))
        yield Row(
            cells[columns.text],
            None if columns.label is None else cells[columns.label].strip(), start,
            cells[columns.id] if columns.id else str(start),
        )  # fmt: skip
    if header is None:
        raise at(path, None, "is empty", "give a table whose first row names its columns")
    if quoting != csv.QUOTE_NONE and _left_open(text, last, delimiter):
        problem = "opens a quotation mark that is closed nowhere"
        raise at(path, last, problem, f"{CURE}; all that follows would be one text")


def _left_open(text: str, line: int, delimiter: str) -> bool:
    """Whether the row that begins in a line, the last one, ends inside quotation marks."""
    rest = islice(io.StringIO(text, newline=""), line - 1, None)
    try:
        list(csv.reader(rest, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "end of data" in str(error)
    return False


def _of_json(
    path: Path, text: str, wanted: tuple[str | None, str | None], labelled: bool
) -> Iterator[Row]:
    number = 0
    for number, (line, record) in enumerate(_objects(path, text), 1):
        columns = columns_of(tuple(record), wanted, path, line, labelled=labelled)
        label = None if columns.label is None else record[columns.label]
        if label is not None and not isinstance(label, (str, int, float, bool)):
            raise at(
                path, line, f"{columns.label!r} is no single label", "give each text one label"
            )
        # Missing labels are written as NaN by some; taken for one, they would be a class.
        if isinstance(label, float) and not math.isfinite(label):
            problem = f"{columns.label!r} is {json.dumps(label)}, which is no label"
            raise at(path, line, problem, "give one, or null where there is none")
        value = record[columns.text]
        if not isinstance(value, str) and value is not None:
            raise at(path, line, f"{columns.text!r} is no text", "write it in quotation marks")
        name = record[columns.id] if columns.id else line if line is not None else number
        row = Row(
            value or "", None if label is None else _label(label), line or number, str(name),
        )  # fmt: skip
        if not encodable(f"{row.text}{row.label}{row.id}"):
            problem = "holds a lone surrogate, which is no character"
            raise at(path, line, problem, "write the whole character, or leave it out")
        yield row
    if not number:
        raise at(path, None, "holds no object", "give JSON with a text and a label in each object")


def _label(value: str | float) -> str:
    return value.strip() if isinstance(value, str) else json.dumps(value)


def _objects(path: Path, text: str) -> Iterator[tuple[int | None, Mapping[str, Any]]]:
    values: Iterator[tuple[int | None, Any]]
    if path.suffix.lower() in LINES:
        given = ((n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip())
        values = ((line, parse_json(each, path, line)) for line, each in given)
    else:
        whole = parse_json(text, path, None) if text.strip() else []
        if not isinstance(whole, list):
            raise at(path, None, "is no list of objects", "write [{...}, ...], or .jsonl")
        unplaced: list[tuple[int | None, Any]] = [(None, each) for each in whole]
        values = iter(unplaced)
    for line, value in values:
        if not isinstance(value, dict):
            raise at(path, line, "is no object of JSON", 'write {"text": ..., "label": ...}')
        yield line, value


def parse_json(text: str, path: Path, line: int | None) -> Any:
    """The value of a JSON text; :class:`UserError` for what is none."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = error.lineno if line is None else line
        raise at(
            path, where, f"is not JSON ({error.msg}, column {error.colno})", "mend it"
        ) from None
    except RecursionError:
        raise at(path, line, "is JSON nested too deeply", "remove what is nested") from None
    except ValueError:  # whole numbers of thousands of digits
        raise at(path, line, "holds a number that is too long", "mend it") from None


def read_texts(path: Path, notes: Counter[str], text_column: str | None = None) -> Iterator[Row]:
    """The texts of a file without regard to labels: as above, or of any other file its lines.

    Raises:
        UserError: as :func:`read_rows`.
    """
    if path.suffix.lower() in (*TABLES, *JSON):
        yield from read_rows(path, notes, text_column, labelled=False)
        return
    if text_column is not None:
        raise UserError(f"{path}: has no columns; leave --text-column out")
    for number, line in enumerate(decode(read_bytes(path), path, notes).split("\n"), 1):
        if line.strip():
            yield Row(line.rstrip("\r"), None, number, str(number))
