"""Series: what is sorted, averaged, interpolated or left a gap, and that all of it is counted."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.forecasting import series
from fewshot_metalstm.kinds.forecasting.series import Series, hour_text, regular, weekday
from tests.kinds.forecasting.builders import START

SPRING = int(np.datetime64("2024-03-31T02", "h").astype(np.int64))  # clocks go forward in Europe


def made(hours: list[int], values: list[float]) -> tuple[Series, Counter[str]]:
    notes: Counter[str] = Counter()
    return regular("x", np.array(hours), np.array(values, float), notes), notes


def test_rows_in_any_order_become_hours_in_order() -> None:
    found, notes = made([START + 2, START, START + 1, START + 1], [30, 10, 15, 25])
    assert (found.start, found.values.tolist()) == (START, [10, 20, 30])
    assert found.real.all()
    assert notes[series.UNSORTED] == 1
    assert notes[series.TWICE] == 1
    assert found.hours.tolist() == [START, START + 1, START + 2]


def test_a_short_gap_is_interpolated_and_marked() -> None:
    found, notes = made([START + i for i in (0, 1, 5, 6, 7)], [10, 10, 50, 0, -4])
    assert found.values.tolist() == [10, 10, 20, 30, 40, 50, 0, -4]
    assert found.real.tolist() == [True, True, False, False, False, True, True, True]
    assert notes[series.FILLED] == 3
    assert notes[series.NEGATIVE] == 1
    assert notes[series.GAPS] == 0


def test_a_long_gap_stays_one() -> None:
    found, notes = made([START + i for i in (0, 1, 2, 3, 4, 9)], [1, 1, 1, 1, 1, 1])
    assert np.isnan(found.values).tolist() == [False] * 5 + [True] * 4 + [False]
    assert notes[series.GAPS] == 4
    assert notes[series.FILLED] == 0


def test_an_empty_value_is_a_missing_hour() -> None:
    found, notes = made([START, START + 1, START + 2], [1, float("nan"), 3])
    assert found.values.tolist() == [1, 2, 3]
    assert notes[series.FILLED] == 1


def test_what_daylight_saving_does_is_told_apart() -> None:
    _, notes = made([SPRING - 2, SPRING - 1, SPRING + 1, SPRING + 2], [1, 1, 1, 1])
    assert notes[series.SPRING] == 1
    _, notes = made([START, START + 1, START + 3], [1, 1, 1])
    assert notes[series.SPRING] == 0
    autumn = int(np.datetime64("2024-10-27T02", "h").astype(np.int64))
    _, notes = made([autumn, autumn, autumn + 1], [1, 3, 1])
    assert notes[series.AUTUMN] == 1


def test_times_that_are_not_hourly_are_refused() -> None:
    for hours, values, problem in (
        ([START + 24 * i for i in range(9)], [1.0] * 9, "give hourly data"),
        ([START, 10**7], [1.0, 1.0], "give hourly data"),
        ([START], [float("nan")], "has no value"),
    ):
        with pytest.raises(UserError, match=problem):
            made(hours, values)


def test_digests_tell_hours_values_and_what_was_measured() -> None:
    one, _ = made([START, START + 1, START + 2], [1, 2, 3])
    later, _ = made([START + 1, START + 2, START + 3], [1, 2, 3])
    filled, _ = made([START, START + 2], [1, 3])
    assert len({one.digest(), later.digest(), filled.digest(), one.digest(1)}) == 4
    assert filled.values.tolist() == one.values.tolist()


def test_weekdays_and_hours() -> None:
    assert weekday(np.array([START, START + 24, START + 6 * 24])).tolist() == [0, 1, 6]
    assert hour_text(START + 13) == "2024-01-01 13:00:00"
