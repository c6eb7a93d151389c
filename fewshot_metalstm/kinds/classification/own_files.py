"""A user's own texts as a task: which file is which split, and what is left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import numpy as np

from fewshot_metalstm.data.splits import CURE, WORDS, in_order, is_list, listed
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.classification.decoding import UTF16, decode, read_bytes
from fewshot_metalstm.kinds.classification.reviews import EMPTY
from fewshot_metalstm.kinds.classification.tables import (
    JSON,
    LABEL_COLUMNS,
    LINES,
    TABLES,
    TEXT_COLUMNS,
    Row,
    header_of,
    parse_json,
    read_rows,
)
from fewshot_metalstm.kinds.classification.tasks import (
    ClassificationTask,
    TextSplit,
    make_task,
)
from fewshot_metalstm.kinds.classification.text import words

NO_LABEL = "texts without a label were left out"
ONCE = "labels stand there only once"
TWO_LABELS = "texts stand there with more than one label"
_SPLIT = re.compile(rf"(?:^|.*[-_.])({'|'.join(WORDS)})(?:[-_]?set)?", re.IGNORECASE)
_LOOKED_AT = 65_536  # bytes of a file
_LONGEST_LINE = 16 * 2**20  # bytes of its first object
_TOKENS = ("word", "words", "token", "tokens", "form")
# Keys of an object that annotates words or stretches of its text.
_SPANS = ("entities", "spans", "mentions", "tokens", "passages", "ner_tags", "annotations")


def load_own(
    source: str, text_column: str | None = None, label_column: str | None = None
) -> ClassificationTask:
    """The task of a file, of a folder with a folder a class, or of ``train=FILE,test=FILE``.

    Texts without a word or a label are left out and counted; so are labels that stand there once
    and texts with two labels, which are kept. The counts are the task's ``notes``.

    Raises:
        UserError: files that are absent, ill-formed or ambiguous, or hold no text.
    """
    name, files = _files(source)
    notes: Counter[str] = Counter()
    rows: dict[str, list[Row]] = {}
    for split, path in files.items():
        found = (
            _of_folder(path, notes) if path.is_dir()
            else read_rows(path, notes, text_column, label_column)
        )  # fmt: skip
        rows[split] = list(_kept(found, notes))
        if not rows[split]:
            raise at(path, None, "holds no text with a label", "give some")
    classes = sorted({row.label or "" for each in rows.values() for row in each})
    number = {label: i for i, label in enumerate(classes)}
    splits = {
        split: TextSplit(
            tuple(row.text for row in each),
            np.array([number[row.label or ""] for row in each], np.int64),
        )
        for split, each in rows.items()
    }
    _count(rows.get("train", []), notes)
    return make_task(name, name, classes, splits, name, notes)


def looks_so(path: Path) -> bool:
    """Whether a file or folder looks like texts with one label each."""
    if path.is_dir():
        return any(_is_classes(each) for each in (path, *_named(path).values()) if each.is_dir())
    suffix = path.suffix.lower()
    if suffix not in (*TABLES, *JSON):
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_LOOKED_AT)
            if suffix in LINES and b"\n" not in head:
                head += file.readline(_LONGEST_LINE)
        if head.startswith(UTF16):  # the last character may be cut in two
            text = head.decode("utf-16", "ignore")
        else:
            text = decode(head.replace(b"\0", b""), path)
    except (OSError, UserError):
        return False
    if suffix in TABLES:
        return _is_header([name.lower() for name in header_of(text, TABLES[suffix])[1]], suffix)
    return _first_object(path, text) if suffix in LINES else _listed_so(text)


def _is_header(names: list[str], suffix: str) -> bool:
    """Whether there is a name of texts, none of tokens and, but in a .csv, one of labels.

    Columns of tokens and tags stand in a .tsv without header, and may begin with any word.
    """
    texts, tokens, labels = (
        any(name in names for name in known) for known in (TEXT_COLUMNS, _TOKENS, LABEL_COLUMNS)
    )
    return texts and not tokens and (labels or suffix == ".csv")


def _first_object(path: Path, text: str) -> bool:
    first = next((line for line in text.split("\n") if line.strip()), "")
    try:
        return _is_labelled(parse_json(first, path, 1))
    except UserError:  # longer than what is looked at, or no JSON
        return False


def _listed_so(text: str) -> bool:
    """Whether a list of objects begins with one that has a text and a label."""
    import json

    start = text.lstrip()
    if not start.startswith("["):
        return False
    try:
        return _is_labelled(json.JSONDecoder().raw_decode(start[1:].lstrip())[0])
    except (ValueError, RecursionError):
        return False


def _is_labelled(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    keys = {str(key).lower(): each for key, each in value.items()}
    if any(isinstance(keys.get(key), list) for key in _SPANS):
        return False
    label = next((keys[key] for key in LABEL_COLUMNS if key in keys), None)
    text = any(isinstance(keys.get(key), str) for key in TEXT_COLUMNS)
    return text and isinstance(label, (str, int, float))


def _files(source: str) -> tuple[str, dict[str, Path]]:
    """A name, and the file or folder of each split."""
    if is_list(source) and not Path(source).exists():
        name, files = listed(source)
        for path in files.values():
            if not path.exists():
                raise at(path, None, "there is no such file or folder", "check the path")
        return name, files
    path = Path(source).expanduser()
    if path.is_file():
        return path.stem, {"train": path}
    if not path.is_dir():
        raise at(path, None, "there is no such file or folder", "check the path")
    found = _named(path)
    if not found and _is_classes(path):
        found = {"train": path}
    if not found:
        raise at(
            path, None, "holds no table named train, devel or test, nor a folder of .txt files "
            "for each class", CURE,
        )  # fmt: skip
    return path.resolve().name, in_order(found)


def _named(folder: Path) -> dict[str, Path]:
    """The files and folders of classes that are named as splits."""
    found: dict[str, Path] = {}
    for each in sorted(folder.iterdir()):
        match = _SPLIT.fullmatch(each.stem if each.is_file() else each.name)
        fits = _is_classes(each) if each.is_dir() else each.suffix.lower() in (*TABLES, *JSON)
        if match is None or not fits or each.name.startswith("."):
            continue
        split = WORDS[match[1].lower()]
        if split in found:
            both = f"{found[split].name} and {each.name}"
            raise at(folder, None, f"both {both} could be its {split} split", CURE)
        found[split] = each
    return found


def _is_classes(folder: Path) -> bool:
    """Whether a folder holds folders of texts that have no annotation beside them."""
    inner = [each for each in sorted(folder.iterdir()) if _is_class(each)]
    return any(
        not any(text.with_suffix(suffix).is_file() for suffix in (".ann", ".a1", ".a2"))
        for each in inner for text in islice(each.glob("*.txt"), 1)
    )  # fmt: skip


def _is_class(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _of_folder(folder: Path, notes: Counter[str]) -> Iterator[Row]:
    """The texts of a folder with a folder for each class."""
    for each in sorted(folder.iterdir()):
        if _is_class(each):
            for path in sorted(each.glob("*.txt")):
                text = decode(read_bytes(path), path, notes)
                yield Row(text, each.name.strip(), 1, f"{each.name}/{path.stem}")


def _kept(rows: Iterator[Row], notes: Counter[str]) -> Iterator[Row]:
    """The rows with a word and a label; the others are counted."""
    for row in rows:
        if not words(row.text):
            notes[EMPTY] += 1
        elif not row.label:
            notes[NO_LABEL] += 1
        else:
            yield row


def _count(rows: list[Row], notes: Counter[str]) -> None:
    counts = Counter(row.label for row in rows)
    notes[ONCE] += sum(number == 1 for number in counts.values())
    labels = Counter(text for text, _ in {(row.text, row.label) for row in rows})
    notes[TWO_LABELS] += sum(number > 1 for number in labels.values())
    for key in [key for key, number in notes.items() if not number]:
        del notes[key]
