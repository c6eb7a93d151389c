"""A user's own series as a task: one file, or one for each split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fewshot_metalstm.data.splits import is_list, listed
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.forecasting.series import Series, hour_text, said
from fewshot_metalstm.kinds.forecasting.tables import USUAL, Columns, read_series, unknown_file
from fewshot_metalstm.kinds.forecasting.tasks import DEVEL, TEST, TRAIN, ForecastTask, Span

BETWEEN = "hours between two files are in neither: no window goes across them"
_ORDER = (TRAIN, DEVEL, TEST)  # of time


def load_own(source: str, columns: Columns = USUAL) -> ForecastTask:
    """The task of a file, or of ``train=FILE,devel=FILE,test=FILE``, each behind the one before.

    Raises:
        UserError: files that are absent or ill-formed, or that do not come one after another.
    """
    name, files = _files(source)
    notes: Counter[str] = Counter()
    read: dict[str, dict[str, Series]] = {}
    for split, path in files.items():
        if not path.is_file():
            raise unknown_file(path)
        found = read_series(path, notes, columns)
        read[split] = {each.name: each for each in found}
    if len(files) > 1:
        _same_name(read, files, name)
    splits = [split for split in _ORDER if split in read]
    series: list[Series] = []
    spans: dict[str, list[Span]] = {split: [] for split in splits}
    begin = 0
    for each in read[TRAIN]:
        parts = {split: read[split][each] for split in splits if each in read[split]}
        whole, cuts = _joined(each, parts, files, notes)
        series.append(whole)
        for split, (start, stop) in cuts.items():
            spans[split].append((begin + start, begin + stop))
        begin += len(whole)
    for split in splits:
        unknown = set(read[split]) - set(read[TRAIN])
        if unknown:
            problem = f"has the series {min(unknown)}, which the train split has not"
            raise at(files[split], None, problem, "leave it out, or give its earlier hours too")
    fixed: dict[str, tuple[Span, ...]] = {split: tuple(found) for split, found in spans.items()}
    return ForecastTask(name, name, tuple(series), fixed, name, notes=said(notes))


def _same_name(read: Mapping[str, dict[str, Series]], files: Mapping[str, Path], name: str) -> None:
    """Give the one series of each file the same name, unless the files say that they are others.

    A file without names of series calls its one after itself.
    """
    if len(read[TRAIN]) > 1:
        return
    (first,) = read[TRAIN]
    bare = first == _called(files[TRAIN])
    wanted = name if bare else first
    read[TRAIN][wanted] = read[TRAIN].pop(first)
    for split, series in read.items():
        if split != TRAIN and len(series) == 1:
            (own,) = series
            if bare or own == _called(files[split]):
                series[wanted] = series.pop(own)


def _called(path: Path) -> str:
    """What a file's one series without a name is called."""
    return path.name.split(".")[0]


def _joined(
    name: str, parts: Mapping[str, Series], files: Mapping[str, Path], notes: Counter[str]
) -> tuple[Series, dict[str, Span]]:
    """The hours of a series in all files as one, and the span of each split."""
    first = parts[TRAIN]
    values, real = [first.values], [first.real]
    end, before = len(first), TRAIN  # places from the first hour
    spans = {TRAIN: (0, end)}
    for split, part in parts.items():
        if split == TRAIN:
            continue
        between = part.start - (first.start + end)
        if between < 0:
            raise at(
                files[split], None,
                f"begins at {hour_text(part.start)}, before the end of the {before} split of "
                f"{name}",
                "give the hours that come after it",
            )  # fmt: skip
        if between > end + len(part):
            raise at(files[split], None, f"begins {between} hours after the {before} split of "
                     f"{name}", "give hours nearer to it")  # fmt: skip
        notes[BETWEEN] += between
        values += [np.full(between, np.nan), part.values]
        real += [np.zeros(between, bool), part.real]
        spans[split] = (end + between, end + between + len(part))
        end, before = spans[split][1], split
    return Series(name, first.start, np.concatenate(values), np.concatenate(real)), spans


def _files(source: str) -> tuple[str, dict[str, Path]]:
    if is_list(source) and not Path(source).exists():
        name, files = listed(source)
        if TRAIN not in files:
            raise UserError(f"{source}: has no train split; name the files as train=FILE,test=FILE")
        return name.split(".")[0], files
    path = Path(source).expanduser()
    if path.is_dir():
        raise at(path, None, "is a folder", "give a file, or train=FILE,test=FILE")
    return path.name.split(".")[0], {TRAIN: path}
