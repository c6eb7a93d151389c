"""A user's own sentence pairs as a task: tables, or two files whose lines belong together."""

from __future__ import annotations

from pathlib import Path

from fewshot_metalstm.data.splits import is_list, listed
from fewshot_metalstm.data.text_files import unknown_file
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.translation.pairs import Pairs, is_table, read_files, read_table
from fewshot_metalstm.kinds.translation.tasks import TRAIN, TranslationTask

WITH = ":"  # between the two files of parallel text
_LOOKED_AT = 4096  # bytes by whose look a table is known as one of pairs
_SENTENCE = 2.5  # words of a sentence, at least, in the mean
_HOW = "give a .tsv of two columns, or both files as SOURCE:TARGET"


def load_own(source: str) -> TranslationTask:
    """The task of ``PAIRS``, or of ``train=PAIRS,test=PAIRS``.

    ``PAIRS`` is a table (.tsv) of sentence and translation, or two files, ``text.en:text.de``.

    Raises:
        UserError: files that are absent, empty, no UTF-8 text, or whose sentences and translations
            do not go together.
    """
    if is_list(source) and not Path(source).exists():
        name, files = listed(source)
        if TRAIN not in files:
            raise UserError(f"{source}: has no train split; name the files as train=FILE,test=FILE")
    else:
        name, files = Path(source.partition(WITH)[0]).name, {TRAIN: Path(source)}
    name = name.partition(WITH)[0].split(".")[0]
    splits = {split: _read(path) for split, path in files.items()}
    return TranslationTask(name, name, splits, _languages(files[TRAIN]))


def sides(path: Path) -> tuple[Path, Path] | None:
    """The two files that ``SOURCE:TARGET`` names; None for the name of one."""
    if path.exists() or WITH not in str(path):
        return None
    source, _, target = str(path).partition(WITH)
    return Path(source).expanduser(), Path(target).expanduser()


def looks_so(path: Path) -> bool:
    """Whether it is ``SOURCE:TARGET`` with a file that is there, or a table of pairs by its look.

    A table has a sentence in both of its columns; one of tokens and tags has a word in each, and
    one of labelled texts a label in one of them.
    """
    two = sides(path)
    if two is not None:
        return any(each.is_file() for each in two)
    if not is_table(path):
        return False
    try:
        with path.open("rb") as file:
            text = file.read(_LOOKED_AT).decode("utf-8", errors="ignore")
    except OSError:
        return False
    rows = [line.split("\t") for line in text.split("\n") if line.strip()]
    if not rows or any(len(row) != 2 for row in rows[:-1] or rows):  # the last may be cut off
        return False
    return all(
        sum(len(row[side].split()) for row in rows if len(row) == 2) >= _SENTENCE * len(rows)
        for side in (0, 1)
    )


def _read(path: Path) -> Pairs:
    two = sides(path)
    if two is not None:
        for each in two:
            if not each.is_file():
                raise unknown_file(each)
        return read_files(*two)
    path = path.expanduser()
    if not path.is_file():
        raise at(path, None, "there is no such file", f"check the path; {_HOW}")
    if not is_table(path):
        raise at(path, None, "is one file of text, and translation needs pairs", _HOW)
    return read_table(path)


def _languages(path: Path) -> str:
    """What the suffixes of two files say, such as ``en-de``; else ``pairs``."""
    two = sides(path)
    if two is None:
        return "pairs"
    ends = [each.name.removesuffix(".gz").rpartition(".")[2] for each in two]
    return "-".join(ends) if all(end.isalpha() and len(end) <= 3 for end in ends) else "pairs"
