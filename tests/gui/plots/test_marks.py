from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from tlgui.gui.plots import marks
from tlgui.gui.plots.marks import Label


def test_names_that_would_touch_are_stacked_downward() -> None:
    placed = marks.stack([Label(100, "a", 80), Label(130, "b", 80), Label(150, "c", 80), Label(300, "d", 80)], 46, 600)
    assert [one.row for one in placed] == [0, 1, 2, 0]


def test_a_name_at_the_right_end_stands_left_of_its_line() -> None:
    (placed,) = marks.stack([Label(580, "a", 80)], 46, 600)
    assert placed.left + 80 < 580


def test_names_never_overlap_however_many_there_are() -> None:
    placed = marks.stack([Label(50 + 9 * n, str(n), 70) for n in range(60)], 46, 600)
    for one in placed:
        for other in placed:
            if one is not other and one.row == other.row:
                assert one.left + 70 <= other.left or other.left + 70 <= one.left
        assert one.left >= 46


def test_the_name_of_the_best_epoch_covers_no_point_and_stays_inside() -> None:
    area = QRectF(46, 10, 500, 200)
    curve = [QPointF(60 + 25 * n, 150 - 6 * n) for n in range(15)]
    for best in curve:
        place = marks.place_name(area, best, 130, curve)
        assert area.contains(place)
        assert not any(place.contains(point) for point in curve)


def test_where_every_place_is_taken_there_is_no_free_one_but_the_name_stays_inside() -> None:
    area = QRectF(46, 10, 300, 60)
    everywhere = [QPointF(46 + 6 * n, 10 + 6 * m) for n in range(51) for m in range(11)]
    at = QPointF(200, 40)
    assert marks.free_place(area, at, 130, everywhere) is None
    assert area.contains(marks.place_name(area, at, 130, everywhere))


def test_the_name_of_a_line_goes_to_an_end_where_no_curve_runs() -> None:
    area = QRectF(46, 10, 500, 200)
    free = marks.place_on_line(area, 100.0, 120, [])
    assert free.right() <= area.right() and free.bottom() <= 100.0
    over_it = [QPointF(546 - 4 * n, 92) for n in range(60)]
    below = marks.place_on_line(area, 100.0, 120, over_it)
    assert below.top() >= 100.0 and below.left() == free.left()
    around = over_it + [QPointF(point.x(), 108) for point in over_it]
    assert marks.place_on_line(area, 100.0, 120, around).left() == area.left() + 4
    at_the_top = marks.place_on_line(area, area.top() + 2, 120, [])
    assert area.contains(at_the_top)


def test_the_name_of_a_mark_leaves_the_curve_in_sight_where_there_is_another_row() -> None:
    area = QRectF(46, 10, 500, 200)
    # Through the first row from end to end.
    curve = np.column_stack([np.arange(46.0, 546.0, 3.0), np.full(167, 20.0)])
    (placed,) = marks.stack([Label(100, "a", 80)], area.left(), area.right(), area, curve)
    place = marks.place_of(area, placed)
    assert placed.row > 0 and place.top() > 20 and not placed.crossed
    (alone,) = marks.stack([Label(100, "a", 80)], area.left(), area.right(), area, marks.NOTHING)
    assert alone.row == 0


def test_the_name_of_a_mark_is_not_left_out_where_the_curves_are_everywhere() -> None:
    area = QRectF(46, 10, 500, 200)
    everywhere = np.array([(x, y) for x in range(46, 546, 3) for y in range(10, 210, 3)], dtype=float)
    placed = marks.stack([Label(100, "a", 80), Label(110, "b", 80)], area.left(), area.right(), area, everywhere)
    assert [(one.row, one.crossed) for one in placed] == [(0, True), (1, True)]


def test_names_that_avoid_a_curve_do_not_overlap_either() -> None:
    area = QRectF(46, 10, 500, 300)
    curve = np.column_stack([np.arange(46.0, 546.0, 3.0), np.linspace(15.0, 250.0, 167)])
    placed = marks.stack([Label(60 + 20 * n, str(n), 90) for n in range(8)], 46, 546, area, curve)
    places = [marks.place_of(area, one) for one in placed]
    for number, place in enumerate(places):
        assert not any(place.intersects(other) for other in places[number + 1 :])
        assert not any(place.contains(QPointF(x, y)) for x, y in curve)


def test_points_along_a_line_lie_close_to_each_other_and_leave_gaps() -> None:
    corners = np.array([(0.0, 0.0), (30.0, 60.0), (40.0, np.nan), (50.0, 10.0), (53.0, 13.0)])
    points = marks.close_points(corners, 3.0)
    on_the_first = points[points[:, 0] < 40]
    assert np.allclose(on_the_first[:, 1], 2 * on_the_first[:, 0])
    assert np.diff(np.sort(on_the_first[:, 0])).max() <= 3.0 + 1e-9
    assert not ((points[:, 0] > 30) & (points[:, 0] < 50)).any()
    assert {(50.0, 10.0), (53.0, 13.0)} <= {tuple(point) for point in points}
    assert len(marks.close_points(marks.NOTHING, 3.0)) == 0


def test_the_name_of_an_early_best_epoch_stays_beside_its_star() -> None:
    area = QRectF(46, 10, 900, 200)
    curve = [QPointF(60 + 40 * n, 150 - 5 * n) for n in range(20)]
    place = marks.free_place(area, curve[0], 180, curve)
    assert place is not None
    assert place.left() - curve[0].x() <= 20, "at the end of the curves it would be read as the name of the last epoch"
    last = marks.free_place(area, curve[-1], 60, curve)
    assert last is not None and last.left() > curve[-1].x()


def test_a_name_that_must_stay_near_goes_nowhere_rather_than_far_away() -> None:
    area = QRectF(46, 10, 900, 200)
    around = [QPointF(200 + x, 100 + y) for x in range(-160, 161, 4) for y in range(-60, 61, 4)]
    at = QPointF(200, 100)
    assert marks.free_place(area, at, 80, around) is not None
    assert marks.free_place(area, at, 80, around, near=True) is None
    assert marks.free_place(area, at, 80, [at], near=True) is not None


def test_a_name_never_stands_on_another_name() -> None:
    area = QRectF(46, 10, 500, 200)
    at = QPointF(200, 100)
    first = marks.free_place(area, at, 100, [at])
    assert first is not None
    second = marks.free_place(area, at, 100, [at], [first])
    assert second is not None and not second.intersects(first)
