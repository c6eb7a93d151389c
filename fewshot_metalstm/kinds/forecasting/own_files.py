"""A user's own series as a task: one file, or one for each split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fewshot_metalstm.data.splits import is_list, listed
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.forecasting.series import Series, hour_text, said
from fewshot_metalstm.kinds.forecasting.tables import USUAL, Columns, read_series, unknown_file
from fewshot_metalstm.kinds.forecasting.tasks import DEVEL, TEST, TRAIN, ForecastTask, Span

BETWEEN = "hours between train and test are in neither: no window goes across them"


def load_own(source: str, columns: Columns = USUAL) -> ForecastTask:
    """The task of a file, or of ``train=FILE,test=FILE`` with the hours that come after it.

    Raises:
        UserError: files that are absent or ill-formed, or a test split that does not come after
            the train split.
    """
    name, files = _files(source)
    notes: Counter[str] = Counter()
    read: dict[str, dict[str, Series]] = {}
    for split, path in files.items():
        if not path.is_file():
            raise unknown_file(path)
        found = read_series(path, notes, columns)
        # A file of one series is named after itself, and so are those of its other splits.
        alone = len(files) > 1 and len(found) == 1
        read[split] = {name if alone else each.name: each for each in found}
    if DEVEL in read and TEST not in read:
        del read[DEVEL]  # read and checked; nothing is chosen by it
    series: list[Series] = []
    spans: dict[str, list[Span]] = {split: [] for split in (TRAIN, TEST) if split in read}
    begin = 0
    for each in read[TRAIN]:
        whole, cuts = _joined(each, [read[s][each] for s in spans if each in read[s]], files, notes)
        series.append(whole)
        for split, (start, stop) in zip(spans, cuts, strict=False):
            spans[split].append((begin + start, begin + stop))
        begin += len(whole)
    unknown = set(read.get(TEST, {})) - set(read[TRAIN])
    if unknown:
        problem = f"has the series {min(unknown)}, which the train split has not"
        raise at(files[TEST], None, problem, "leave it out, or give its earlier hours too")
    fixed: dict[str, tuple[Span, ...]] = {split: tuple(found) for split, found in spans.items()}
    return ForecastTask(name, name, tuple(series), fixed, name, notes=said(notes))


def _joined(
    name: str, parts: Sequence[Series], files: dict[str, Path], notes: Counter[str]
) -> tuple[Series, list[Span]]:
    """The train and the test hours of a series as one, and the span of each."""
    first, last = parts[0], parts[-1]
    if len(parts) == 1:
        return first, [(0, len(first))]
    between = last.start - (first.start + len(first))
    if between < 0:
        raise at(
            files[TEST], None,
            f"begins at {hour_text(last.start)}, before the end of the train split of {name}",
            "give the hours that come after it",
        )  # fmt: skip
    if between > len(first) + len(last):
        raise at(files[TEST], None, f"begins {between} hours after the train split of {name}",
                 "give hours nearer to it")  # fmt: skip
    notes[BETWEEN] += between
    gap = np.full(between, np.nan)
    values = np.concatenate([first.values, gap, last.values])
    real = np.concatenate([first.real, np.zeros(between, bool), last.real])
    start = len(first) + between
    return Series(name, first.start, values, real), [(0, len(first)), (start, len(values))]


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
