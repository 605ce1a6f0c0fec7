from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, QSize

from tlgui.gui.screens import fitting, smallest_size

FULL_HD = QRect(0, 0, 1920, 1080)
LAPTOP = QRect(0, 0, 1366, 728)
AT_200_PERCENT = QRect(0, 0, 960, 540)


@pytest.mark.parametrize(
    ("areas", "size"),
    [
        ([FULL_HD], QSize(1024, 700)),
        ([LAPTOP], QSize(1024, 692)),
        ([AT_200_PERCENT], QSize(960, 504)),
        ([FULL_HD, AT_200_PERCENT], QSize(960, 504)),
    ],
)
def test_the_window_never_asks_for_more_than_the_screen_has(areas: list[QRect], size: QSize) -> None:
    assert smallest_size(areas) == size


@pytest.mark.parametrize("area", [FULL_HD, LAPTOP, AT_200_PERCENT])
@pytest.mark.parametrize(
    "wanted",
    [None, QRect(9999, 9999, 1280, 800), QRect(-400, -300, 1280, 800), QRect(0, 0, 5000, 4000), QRect(1000, 500, 0, 0)],
)
def test_the_whole_window_lies_on_a_screen_that_is_there(area: QRect, wanted: QRect | None) -> None:
    assert area.contains(fitting(wanted, [area]))


def test_a_window_that_fits_stays_where_it_was() -> None:
    where = QRect(2000, 100, 1200, 800)

    assert fitting(where, [FULL_HD, QRect(1920, 0, 1920, 1080)]) == where
