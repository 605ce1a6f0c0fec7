from __future__ import annotations

import math

import numpy as np

from tlgui.gui.plots.series import MOST_DRAWN, Series, thinned


def filled(values: list[float | None]) -> Series:
    series = Series()
    for index, value in enumerate(values, 1):
        series.append(index, value)
    return series


def test_what_is_no_number_is_a_gap_and_not_a_value() -> None:
    series = filled([1.0, None, math.nan, math.inf, 3.0])
    assert [series.at(epoch) for epoch in range(1, 7)] == [1.0, None, None, None, 3.0, None]
    assert series.extremes(0, 10) == (1.0, 3.0)
    assert not np.isinf(series.y).any()


def test_the_newest_value_passes_over_gaps_at_the_end() -> None:
    assert filled([0.5, 0.25, None]).last() == (2.0, 0.25)
    assert filled([None]).last() is None
    assert filled([]).last() is None


def test_as_many_points_are_drawn_after_200000_as_after_20000() -> None:
    series = Series()
    counts = []
    for index in range(200_000):
        series.append(index, math.sin(index / 300))
        if index + 1 in (20_000, 200_000):
            counts.append(len(series.drawn(0, 200_000)[0]))
    assert counts[0] == counts[1] <= MOST_DRAWN
    assert series.last() == (199_999.0, math.sin(199_999 / 300))


def test_thinning_keeps_every_peak_the_last_point_and_a_long_gap() -> None:
    x = np.arange(100_000, dtype=float)
    y = np.zeros(100_000)
    y[61_234] = 9.0
    y[70_000:80_000] = np.nan
    y[-1] = 0.5
    few_x, few_y = thinned(x, y, 1_000)
    assert len(few_x) <= 1_000
    assert np.nanmax(few_y) == 9.0
    assert (few_x[-1], few_y[-1]) == (99_999.0, 0.5)
    assert np.isnan(few_y[(few_x > 71_000) & (few_x < 79_000)]).all()
    assert (np.diff(few_x) >= 0).all()


def test_a_zoomed_stretch_is_drawn_point_by_point_with_a_neighbour_on_either_side() -> None:
    series = Series()
    for index in range(50_000):
        series.append(index, float(index))
    x, y = series.drawn(100, 103)
    assert x.tolist() == [99, 100, 101, 102, 103, 104]
    assert y.tolist() == x.tolist()
