from __future__ import annotations

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
