"""Where the window may stand: on a screen that is there, whole, and small enough for it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize

SMALLEST = QSize(1024, 700)
USUAL = QSize(1280, 800)
# Of the title bar so much must lie on the screen that it can be gripped.
_FRAME = 36


def smallest_size(areas: Sequence[QRect]) -> QSize:
    """The least size: 1024 x 700, or what the smallest screen has (full HD at 200 % leaves 960 x 540).

    Args:
        areas: of each screen what is free for windows.
    """
    size = QSize(SMALLEST)
    for area in areas:
        size = size.boundedTo(QSize(area.width(), area.height() - _FRAME))
    return size.expandedTo(QSize(1, 1))


def fitting(wanted: QRect | None, areas: Sequence[QRect]) -> QRect:
    """Where the window goes.

    Args:
        wanted: where it was; `None` the first time.
        areas: of each screen what is free for windows, the main one first.
    """
    if not areas:
        return wanted or QRect(0, 0, USUAL.width(), USUAL.height())
    if wanted is None or wanted.width() <= 0 or wanted.height() <= 0:
        return _centred(USUAL, areas[0])
    area = max(areas, key=lambda one: _overlap(one, wanted))
    if _overlap(area, wanted) == 0:
        # That screen is gone, as after a lecture.
        return _centred(wanted.size(), areas[0])
    size = wanted.size().expandedTo(smallest_size(areas)).boundedTo(_room(area))
    left = min(max(wanted.left(), area.left()), area.left() + area.width() - size.width())
    lowest = area.top() + area.height() - size.height()
    top = min(max(wanted.top(), min(area.top() + _FRAME, lowest)), lowest)
    return QRect(left, top, size.width(), size.height())


def _room(area: QRect) -> QSize:
    return QSize(area.width(), area.height() - _FRAME)


def _overlap(one: QRect, other: QRect) -> int:
    both = one.intersected(other)
    return both.width() * both.height() if both.isValid() else 0


def _centred(size: QSize, area: QRect) -> QRect:
    size = size.expandedTo(smallest_size([area])).boundedTo(_room(area))
    left = area.left() + (area.width() - size.width()) // 2
    top = area.top() + _FRAME + (area.height() - _FRAME - size.height()) // 2
    return QRect(left, top, size.width(), size.height())
