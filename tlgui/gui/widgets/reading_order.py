"""The Tab key goes as the eye reads: left to right, top to bottom, column after column."""

from __future__ import annotations

import itertools
from typing import cast

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLayout, QScrollArea, QWidget


def reading_order(root: QWidget) -> list[QWidget]:
    """All controls inside `root` that take the Tab key, in the order of its layouts."""
    found: list[QWidget] = []
    _walk_widget(root, found, is_root=True)
    return found


def apply_reading_order(root: QWidget) -> None:
    """Sets the Tab order inside `root`. Qt's own order is that of creation, which puts a foot before its body."""
    controls = reading_order(root)
    for before, after in itertools.pairwise(controls):
        QWidget.setTabOrder(before, after)


def _walk_widget(widget: QWidget, found: list[QWidget], is_root: bool = False) -> None:
    takes_tab = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
    if takes_tab and not is_root:
        found.append(widget)
    if isinstance(widget, QScrollArea):
        if (inside := widget.widget()) is not None:
            _walk_widget(inside, found)
    elif (layout := widget.layout()) is not None and (is_root or not takes_tab):
        _walk_layout(layout, found)


def _walk_layout(layout: QLayout, found: list[QWidget]) -> None:
    places = list(range(layout.count()))
    if isinstance(layout, QGridLayout):
        grid = layout
        places.sort(key=lambda place: _row_and_column(grid, place))
    for place in places:
        item = layout.itemAt(place)
        if item is None:
            continue
        if (widget := item.widget()) is not None:
            _walk_widget(widget, found)
        elif (inner := item.layout()) is not None:
            _walk_layout(inner, found)


def _row_and_column(grid: QGridLayout, place: int) -> tuple[int, int]:
    where = cast("tuple[int, int, int, int]", grid.getItemPosition(place))  # the stubs call it an object
    return where[0], where[1]
