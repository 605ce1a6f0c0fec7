"""The table: one Tab stop, arrows inside, as tall as its rows, and names letter by letter."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tlgui.gui.theme import LIGHT
from tlgui.gui.widgets import Cell, Column, Table

Shown = Callable[..., QWidget]
COLUMNS = [
    Column("Backbone", stretch=True, min=120), Column("Parameters", "right"), Column("Best for", yields=1),
    Column("Available"),
]  # fmt: skip
ROWS = [
    [
        Cell("EfficientNet-Lite0", chip="our advice"),
        Cell("4.7 M", sort=4.7),
        Cell("laptops"),
        Cell("Built in", tone="good"),
    ],
    [Cell("ViT-B/16"), Cell("86.6 M", sort=86.6), Cell("large sets"), Cell("Download", icon="download", link=True)],
    [Cell("Another"), Cell("not known"), Cell("<b>x</b>"), Cell("Ready")],
]


def make(shown: Shown, width: int = 700, **how: bool) -> Table:
    table = Table(COLUMNS, name="Backbones", **how)  # type: ignore[arg-type]
    table.set_rows(ROWS)
    shown(table, width)
    return table


def at(table: Table, row: int, column: int) -> QPoint:
    return table.visualRect(table.cells.index(row, column)).center()


def test_a_click_picks_a_row_once(qtbot: QtBot, shown: Shown) -> None:
    table = make(shown, pickable=True)
    with qtbot.waitSignal(table.picked) as told:
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at(table, 1, 0))
    assert (told.args, table.picked_row()) == ([1], 1)
    with qtbot.assertNotEmitted(table.picked):
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at(table, 1, 1))


def test_arrows_move_and_enter_or_space_picks(qtbot: QtBot, shown: Shown) -> None:
    table = make(shown, pickable=True)
    table.set_picked(0)
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert table.picked_row() == 0
    with qtbot.waitSignal(table.picked) as told:
        qtbot.keyClick(table, Qt.Key.Key_Space)
    assert told.args == [1]
    qtbot.keyClick(table, Qt.Key.Key_Down)
    with qtbot.waitSignal(table.picked) as told:
        qtbot.keyClick(table, Qt.Key.Key_Return)
    assert told.args == [2]


def test_a_picked_row_has_tint_bar_and_radio(shown: Shown) -> None:
    table = make(shown, pickable=True)
    table.set_picked(1)
    row = table.visualRect(table.cells.index(1, 0))
    image = table.viewport().grab().toImage()
    assert image.pixelColor(1, row.center().y()).name().upper() == LIGHT.primary
    assert image.pixelColor(8, row.top() + 4).name().upper() == LIGHT.tint
    assert image.pixelColor(20, row.center().y()).name().upper() == LIGHT.primary


def test_a_lit_row_has_an_edge_across_its_cells(shown: Shown) -> None:
    table = make(shown)
    table.set_lit(1)
    row = table.visualRect(table.cells.index(1, 0))
    image = table.viewport().grab().toImage()
    inks = {image.pixelColor(x, row.top() + 1).name().upper() for x in range(20, image.width() - 20)}
    assert inks == {LIGHT.primary}


def test_a_link_is_pressed_by_mouse_and_by_keyboard_and_picks_nothing(qtbot: QtBot, shown: Shown) -> None:
    table = make(shown, pickable=True)
    with qtbot.waitSignal(table.pressed_cell) as told, qtbot.assertNotEmitted(table.picked):
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at(table, 1, 3))
    assert told.args == [1, 3]
    table.setFocus()
    with qtbot.waitSignal(table.pressed_cell) as told:
        qtbot.keyClick(table, Qt.Key.Key_Return)
    assert told.args == [1, 3]


def test_a_header_sorts_numbers_before_words_and_picks_keep_their_row(qtbot: QtBot, shown: Shown) -> None:
    table = make(shown, pickable=True, sortable=True)
    table.set_picked(0)
    header = table.horizontalHeader()
    where = QPoint(header.sectionViewportPosition(1) + 20, 10)
    for order in ([0, 1, 2], [1, 0, 2]):
        qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=where)
        assert [table.cells.source_row(row) for row in range(3)] == order
    assert table.picked_row() == 0
    with qtbot.waitSignal(table.picked) as told:
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at(table, 0, 0))
    assert told.args == [1]
    table.set_rows(ROWS[:2])
    assert [table.cells.source_row(row) for row in range(2)] == [1, 0]


def test_it_is_as_tall_as_its_rows_and_two_lines_are_taller(shown: Shown) -> None:
    table = make(shown)
    assert table.height() == 36 + 3 * 43 + 2
    table.set_rows([[Cell("Platelets"), Cell("97.1 %", "90 to 99")]])
    assert table.height() == 36 + 52 + 2
    assert table.cell_text(0, 1) == "97.1 %\n90 to 99"


def test_a_table_that_scrolls_does_not(shown: Shown) -> None:
    table = Table([Column("File")], scrolls=True)
    table.set_rows([[Cell(f"{number}.png")] for number in range(1000)])
    shown(table, 300, 200)
    assert table.height() == 200
    assert table.verticalScrollBar().maximum() > 0


def test_columns_never_exceed_the_width_and_the_name_is_kept(shown: Shown) -> None:
    table = make(shown, width=900)
    assert not table.isColumnHidden(2)
    for width in (480, 300):
        table.resize(width, table.height())
        assert table.isColumnHidden(2)
        widths = [table.columnWidth(number) for number in range(4) if not table.isColumnHidden(number)]
        assert sum(widths) <= width
        assert table.columnWidth(0) >= 120
        assert not table.grab().isNull()


def test_cells_are_told_to_a_screen_reader(shown: Shown) -> None:
    table = make(shown, pickable=True)
    table.set_picked(0)
    role = Qt.ItemDataRole.AccessibleTextRole
    assert table.cells.index(0, 0).data(role) == "Backbone: EfficientNet-Lite0, our advice, picked"
    assert table.cells.index(0, 1).data(role) == "Parameters: 4.7 M"
    assert table.accessibleName() == "Backbones"


def test_enter_opens_a_row_where_nothing_is_picked(qtbot: QtBot, shown: Shown) -> None:
    table = make(shown)
    table.setFocus()
    table.setCurrentIndex(table.cells.index(2, 0))
    with qtbot.waitSignal(table.opened) as told:
        qtbot.keyClick(table, Qt.Key.Key_Return)
    assert told.args == [2]
    with qtbot.waitSignal(table.opened) as told:
        qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at(table, 0, 0))
    assert told.args == [0]
