"""Taking the widgets out of a layout: they go, and no item of a layout is ever held by Python."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

import tlgui.gui
from tlgui.gui.widgets.emptied import empty


def test_the_widgets_of_one_layout_go_and_all_else_stays(qtbot: QtBot) -> None:
    box = QWidget()
    qtbot.addWidget(box)
    outer, grid = QVBoxLayout(box), QGridLayout()
    outer.addLayout(grid)
    outer.addStretch(1)
    stays = QLabel("stays")
    outer.addWidget(stays)
    gone = [QLabel(str(number)) for number in range(3)]
    for number, label in enumerate(gone):
        grid.addWidget(label, number, 0)
    box.show()
    empty(grid)
    assert grid.count() == 0 and outer.count() == 3
    assert [label.isVisible() for label in (*gone, stays)] == [False, False, False, True]
    empty(grid)  # of none, nothing
    new = QLabel("new")
    grid.addWidget(new, 0, 0)
    assert new.isVisible() or new.parent() is box


def test_a_layout_that_is_on_no_widget_has_none_to_lose() -> None:
    empty(QHBoxLayout())


def test_nothing_is_taken_out_as_an_item() -> None:
    # One such loop in `NoticeList` crashed two of three passes through three files of tests.
    modules = Path(tlgui.gui.__file__).parent.rglob("*.py")
    assert [path.name for path in modules if ".takeAt(0)" in path.read_text(encoding="utf-8")] == []
