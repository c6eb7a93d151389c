"""Supports: where they may begin, that they are pure, and what is frozen of the real regions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fewshot_metalstm.data.draws import draws_file
from fewshot_metalstm.data.suites import load_suites, load_targets
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.forecasting import draws
from fewshot_metalstm.kinds.forecasting.own_files import load_own
from fewshot_metalstm.kinds.forecasting.regions import load_region
from fewshot_metalstm.kinds.forecasting.series import regular
from fewshot_metalstm.kinds.forecasting.tasks import QUERY, TRAIN, ForecastTask
from tests.kinds.forecasting.builders import START, load, region, rows


def test_a_support_begins_at_midnight_and_leaves_a_query() -> None:
    task = region(60)
    found = [draws.support(task, 10, number, seed=0) for number in range(8)]
    assert len({support[0] for support in found}) > 3
    for support in found:
        assert support == tuple(range(support[0], support[0] + 240))
        assert task.hours[support[0]] % 24 == 0
        ((start, stop),) = task.query(task.runs(support))
        assert (start, stop) == (support[-1] + 1, support[-1] + 1 + QUERY)
        assert stop <= len(task.values)
    assert draws.support(task, 10, 3, seed=0) == found[3]
    assert [draws.support(task, 10, n, seed=1)[0] for n in range(8)] != [s[0] for s in found]


def test_no_support_or_query_has_a_long_gap() -> None:
    values = load(80, 0)
    values[40 * 24 : 40 * 24 + 5] = np.nan
    one = regular("x", np.arange(START, START + len(values)), values, Counter())
    task = ForecastTask("load-x", "x", (one,), {TRAIN: ((0, len(one)),)}, follows=True)
    starts = draws.candidates(task, 10 * 24)
    assert starts.tolist() == [0, 24, 48, *(24 * day for day in range(41, 43))]


def test_days_without_a_window_are_refused() -> None:
    task = region(60)
    with pytest.raises(UserError, match=r"shots is 7: .*use at least 8"):
        draws.support(task, 7, 0, seed=0)
    with pytest.raises(UserError, match="nowhere 40 days"):
        draws.support(task, 40, 0, seed=0)
    with pytest.raises(UserError, match="leaves no hour to score"):
        draws.support(task, 0, 0, seed=0)


def test_the_support_of_a_users_own_is_the_last_days(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(rows(load(20, 0)))
    task = load_own(str(path))
    assert draws.support(task, 14, 0, seed=0) == tuple(range(6 * 24, 20 * 24))
    assert draws.support(task, 14, 1, seed=0) != draws.support(task, 14, 0, seed=0)
    assert draws.support(task, 0, 0, seed=0) == tuple(range(480))
    with pytest.raises(UserError, match="has 20 days to learn from, fewer than the 21"):
        draws.support(task, 21, 0, seed=0)


def test_frozen_draws_are_believed_for_their_split_alone(tmp_path: Path) -> None:
    task = region(120)
    (path,) = draws.FROZEN.freeze([task], tmp_path)
    assert draws.FROZEN.check([task], tmp_path) == ()
    assert draws.load_draw(task, 14, 2, folder=tmp_path) == draws.draw(task, 14, 2)
    other = region(120, seed=1)
    assert "another train split" in draws.FROZEN.check([other], tmp_path)[0]
    with pytest.raises(UserError, match="another train split"):
        draws.load_draw(other, 14, 2, folder=tmp_path)
    path.write_text(path.read_text().replace('"draw":4', '"draw":9'))
    assert "is not a file of frozen draws" in draws.FROZEN.check([task], tmp_path)[0]


def test_every_official_region_is_frozen_and_no_fold_knows_what_it_holds_out() -> None:
    official = load_targets(kind="forecasting").official
    assert len(official) == 14
    for name in official:
        assert draws_file(name).is_file()
    suites = load_suites(kind="forecasting")
    assert sorted(suites) == ["load", *(f"load-fold-{k}" for k in range(4))]
    whole = {spec.corpus for spec in suites["load"].tasks}
    held = [whole - {spec.corpus for spec in suites[f"load-fold-{k}"].tasks} for k in range(4)]
    assert set.union(*held) == whole
    assert sum(map(len, held)) == len(whole)
    for same in ({"load-NI", "load-COMED"}, {"load-PJME", "load-PJM_Load"}):
        assert any(same <= each for each in held)


def test_the_real_regions_are_as_they_were_drawn(real_data: Path) -> None:
    if not (real_data / "load-forecast").is_dir():
        pytest.skip(f"load-forecast is not in {real_data}")
    task = load_region("load-EKPC", real_data)
    assert draws.FROZEN.check([task]) == ()
    assert sum(task.real) == 45_334 - 4
    assert len(task.values) - sum(task.real) == 6
