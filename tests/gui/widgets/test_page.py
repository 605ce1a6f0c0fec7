"""The frame of a page: it never grows wider than its window, tells errors on top, and is walked in reading order."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core.errors import UserError
from tlgui.gui.widgets import (
    Action,
    Banner,
    Button,
    Card,
    Cell,
    Column,
    Columns,
    Dialog,
    EmptyState,
    FocusRing,
    Label,
    NoticeList,
    Page,
    ParityStamp,
    ProgressRow,
    Scale,
    ScrollEdge,
    Segmented,
    SplitBar,
    Stat,
    Table,
    reading_order,
)  # fmt: skip

Shown = Callable[..., QWidget]
LONG = "A sentence that has more to say than the narrow window has room for, and so it has to go on below."
NAME = "a_folder_with_a_very_long_name_and_no_blank_in_it_" * 4


def full_page() -> Page:
    page = Page(NAME, LONG)
    page.head_right.addWidget(Segmented([("a", "Guided"), ("b", "Adjustable"), ("c", "Everything")]))
    main, side = page.columns(1, 328)
    card = Card(NAME, LONG)
    card.add_head(Button("List all 9 files", "link"))
    card.body.addWidget(Label(NAME, wrap=True))
    card.body.addWidget(Label(LONG, elide=True))
    stat = Stat(LONG)
    stat.set(0.9, 0.8, 0.95, text="90 %", range_text="80 to 95", reference=0.5, reference_text=LONG)
    for widget in (stat, SplitBar(), Scale(), ParityStamp(), EmptyState("grid", NAME, LONG, Button("Go to training"))):
        card.body.addWidget(widget)
    row = ProgressRow(NAME)
    row.set(1, 2, LONG)
    row.set_cancellable(True)
    card.body.addWidget(row)
    main.addWidget(card)
    table = Table([Column("Class", stretch=True), *(Column(f"A measure {n}", "right") for n in range(8))])
    table.set_rows([[Cell(NAME), *(Cell("97.1 %", "90.0 to 99.0") for _ in range(8))]])
    main.addWidget(table)
    notices = NoticeList("Two things to settle", LONG)
    notices.add_row("warn", NAME, LONG, [Button("Show them", "link"), Button("Keep together")])
    side.addWidget(notices)
    page.foot_left.addWidget(Button("Back", icon="back"))
    page.set_primary(Action("Next: Backbone", icon="forward"))
    page.set_hint(LONG)
    return page


@pytest.mark.parametrize(("width", "height"), [(960, 540), (1024, 700), (1280, 800), (744, 480)])
def test_a_page_is_never_wider_than_its_viewport(shown: Shown, width: int, height: int) -> None:
    page = full_page()
    shown(page, width, height)
    page.show_error(UserError(NAME, LONG, LONG), [Button("Choose another folder…")])
    assert page.too_wide() == 0
    assert page.minimumSizeHint().width() <= width
    assert page.width() == width
    assert page.foot.height() == 64
    assert page.foot.geometry().bottom() == page.rect().bottom()


def test_wrapped_words_in_a_page_get_the_height_they_need(qtbot: QtBot, shown: Shown) -> None:
    page = Page("Title")
    label = Label(LONG * 5, wrap=True)
    card = Card("Card")
    card.body.addWidget(label)
    page.body.addWidget(card)
    shown(page, 500, 500)
    assert label.height() >= label.heightForWidth(label.width())


@pytest.mark.parametrize("width", [500, 1000])
def test_nothing_stays_empty_below_the_last_line_of_a_long_page(shown: Shown, width: int) -> None:
    page = Page("Title")
    last = Label("The end")
    for label in (*(Label(LONG * 4, wrap=True) for _ in range(30)), last):
        page.body.addWidget(label)
    shown(page, width, 400)
    content = page.scroll_area.widget()
    assert content is not None and page.scroll_area.verticalScrollBar().maximum() > 0
    assert content.height() - last.geometry().bottom() <= 20


def test_a_line_shows_that_rows_are_under_the_head_while_they_are(shown: Shown) -> None:
    page = Page("Title")
    for _ in range(40):
        page.body.addWidget(Label(LONG))
    shown(page, 500, 400)
    edge, bar = page.findChild(ScrollEdge), page.scroll_area.verticalScrollBar()
    top = page.scroll_area.y()
    assert not edge.isVisible()
    bar.setValue(30)
    assert edge.isVisible() and page.scroll_area.y() == top
    bar.setValue(0)
    assert not edge.isVisible()


def test_an_empty_state_is_a_card_as_high_as_its_words(shown: Shown) -> None:
    page = Page("Results", fills=True)
    empty = EmptyState("grid", "Results come after the last epoch", LONG, Button("Go to training"))
    page.body.addWidget(empty)
    shown(page, 900, 800)
    assert isinstance(empty, Card) and empty.height() < 300
    button = empty.findChild(Button)
    assert abs(button.mapTo(empty, button.rect().center()).x() - empty.width() / 2) <= 2


def test_columns_stand_under_one_another_in_a_narrow_window(qtbot: QtBot, shown: Shown) -> None:
    page = Page("Title")
    main, side = page.columns(1, 328)
    one, other = Card("Main"), Card("Side")
    main.addWidget(one)
    side.addWidget(other)
    shown(page, 1200, 600)
    columns = page.findChild(Columns)
    assert isinstance(columns, Columns)
    assert not columns.is_stacked
    assert other.width() == 328
    page.resize(1000, 600)
    qtbot.waitUntil(lambda: columns.is_stacked and other.width() > 328)
    assert other.mapTo(page, other.rect().topLeft()).y() > one.mapTo(page, one.rect().bottomLeft()).y()
    assert page.too_wide() == 0


def test_the_reason_of_the_blue_button_stands_beside_it(qtbot: QtBot, shown: Shown) -> None:
    page = Page("Images")
    shown(page, 900, 500)
    assert not page.primary.isVisible()
    done: list[int] = []
    action = Action("Next: Backbone", lambda: done.append(1), "Ctrl+Return")
    page.set_primary(action)
    page.set_hint("1,092 images, 3 classes")
    assert page.hint() == "1,092 images, 3 classes"
    action.set_reason("Choose a folder of images first.")
    assert page.hint() == "Choose a folder of images first."
    qtbot.mouseClick(page.primary, Qt.MouseButton.LeftButton)
    assert done == []
    action.set_reason("")
    qtbot.mouseClick(page.primary, Qt.MouseButton.LeftButton)
    assert (done, page.hint(), page.primary_action()) == ([1], "1,092 images, 3 classes", action)
    page.set_primary(None)
    assert not page.primary.isVisible()


def test_one_error_at_a_time_stands_on_top(qtbot: QtBot, shown: Shown) -> None:
    page = Page("Images")
    shown(page, 900, 500)
    page.show_error(UserError("First.", "Do this."))
    page.show_error(UserError("Second.", "Do that."), [Button("Choose another folder…")])
    shown_now = [banner for banner in page.findChildren(Banner) if banner.isVisible()]
    assert [banner.accessibleName() for banner in shown_now] == ["Second. Do that."]
    page.clear_error()
    assert page.error_banner is None
    assert not [banner for banner in page.findChildren(Banner) if banner.isVisible()]


def test_tab_walks_head_body_columns_and_foot_as_they_are_read(qtbot: QtBot, shown: Shown) -> None:
    page = Page("Images")
    side_field, main_field, head, back = QLineEdit(), QLineEdit(), Button("Log"), Button("Back")
    page.foot_left.addWidget(back)
    page.set_primary(Action("Next"))
    main, side = page.columns(1, 300)
    side.addWidget(side_field)
    main.addWidget(main_field)
    page.head_right.addWidget(head)
    shown(page, 1200, 600)
    wanted = [head, main_field, side_field, back, page.primary]
    assert reading_order(page) == wanted
    head.setFocus()
    walked = [head]
    for _ in range(4):
        qtbot.keyClick(walked[-1], Qt.Key.Key_Tab)
        now = page.focusWidget()
        assert now is not None
        walked.append(now)  # type: ignore[arg-type]
    assert walked == wanted


def test_page_down_scrolls_a_page_of_words(qtbot: QtBot, shown: Shown) -> None:
    page = Page("Title")
    page.body.addWidget(Label(LONG * 60, wrap=True))
    shown(page, 500, 400)
    qtbot.keyClick(page, Qt.Key.Key_PageDown)
    assert page.scroll_area.verticalScrollBar().value() > 0


def test_the_ring_comes_with_the_tab_key_and_goes_with_the_mouse(qtbot: QtBot, shown: Shown) -> None:
    page = Page("Title")
    first, second = Button("First"), Button("Second")
    page.body.addWidget(first)
    page.body.addWidget(second)
    ring = FocusRing(page)
    shown(page, 500, 400)
    page.activateWindow()
    first.setFocus(Qt.FocusReason.MouseFocusReason)
    assert ring.target is None
    qtbot.keyClick(first, Qt.Key.Key_Tab)
    assert ring.target is second
    around = second.rect().translated(second.mapTo(page, second.rect().topLeft()))
    assert ring.geometry().contains(around)
    assert ring.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    page.resize(600, 400)
    qtbot.waitUntil(lambda: ring.width() == second.width() + 8)
    second.hide()
    assert ring.target is None or ring.target is not second
    second.show()
    second.setFocus()
    qtbot.mousePress(second, Qt.MouseButton.LeftButton)
    assert ring.target is None


def test_a_dialog_answers_without_stopping_the_window(qtbot: QtBot, shown: Shown) -> None:
    window = QWidget()
    shown(window, 400, 300)
    answers: list[str] = []
    dialog = Dialog("Stop the training?", "The best epoch is kept.", window)
    dialog.add_button("Keep on", "secondary")
    stop = dialog.add_button("Stop and keep the best", "danger", lambda: answers.append("stop"), default=True)
    dialog.open()
    assert dialog.windowTitle() == "Stop the training?"
    assert stop.isDefault()
    with qtbot.waitSignal(dialog.finished):
        qtbot.mouseClick(stop, Qt.MouseButton.LeftButton)
    assert answers == ["stop"]


def test_escape_answers_nothing(qtbot: QtBot, shown: Shown) -> None:
    window = QWidget()
    shown(window, 400, 300)
    answers: list[str] = []
    dialog = Dialog("Close the window?", parent=window)
    dialog.add_button("Close", "primary", lambda: answers.append("close"))
    dialog.open()
    with qtbot.waitSignal(dialog.rejected):
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert answers == []


def test_a_table_is_one_tab_stop(qtbot: QtBot, shown: Shown) -> None:
    page = Page("Backbone")
    table = Table([Column("Class"), Column("Images")], pickable=True)
    table.set_rows([[Cell("a"), Cell("1")], [Cell("b"), Cell("2")]])
    page.body.addWidget(table)
    back = Button("Back")
    page.foot_left.addWidget(back)
    shown(page, 600, 400)
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Tab)
    assert page.focusWidget() is back
    qtbot.keyClick(back, Qt.Key.Key_Backtab)
    assert page.focusWidget() is table


def test_the_ring_of_a_table_stands_around_the_row(qtbot: QtBot, shown: Shown) -> None:
    page = Page("Backbone")
    table = Table([Column("Class"), Column("Images")], pickable=True)
    table.set_rows([[Cell("a"), Cell("1")], [Cell("b"), Cell("2")]])
    page.body.addWidget(table)
    ring = FocusRing(page)
    shown(page, 600, 400)
    page.activateWindow()
    table.setFocus()
    table.setCurrentIndex(table.cells.index(0, 0))
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert ring.target is table
    row = table.visualRect(table.cells.index(1, 0))
    centre = table.viewport().mapTo(page, row.center())
    assert ring.geometry().contains(centre)
    assert ring.height() <= row.height()


def test_words_that_grow_later_get_their_height(qtbot: QtBot, shown: Shown) -> None:
    page = Page("Use")
    main, _side = page.columns(1, 200)
    plain, inside = Label("short", wrap=True), Label("short", wrap=True)
    card = Card("Card")
    card.body.addWidget(inside)
    main.addWidget(plain)
    main.addWidget(card)
    shown(page, 1200, 400)
    for label in (plain, inside):
        label.setText(LONG * 12)
    qtbot.waitUntil(lambda: all(label.height() >= label.heightForWidth(label.width()) for label in (plain, inside)))
    assert plain.heightForWidth(plain.width()) > 3 * plain.fontMetrics().height()
    page.resize(700, 400)
    qtbot.waitUntil(lambda: all(label.height() >= label.heightForWidth(label.width()) for label in (plain, inside)))


def test_a_page_that_fills_up_while_it_is_shown_scrolls_instead_of_squeezing(qtbot: QtBot, shown: Shown) -> None:
    page = Page("Results")
    main, side = page.columns(side_width=300, side_first=True)
    stats = [Stat("Accuracy") for _ in range(6)]
    for number, stat in enumerate(stats):
        stat.set(0.9, 0.8, 0.95, text="90 %", range_text="80 to 95")
        stat.hide()
        (main if number % 2 else side).addWidget(stat)
    shown(page, 740, 400)
    for stat in stats:
        stat.show()
    qtbot.waitUntil(lambda: all(stat.height() >= stat.minimumSizeHint().height() for stat in stats))
    assert page.scroll_area.verticalScrollBar().maximum() > 0
