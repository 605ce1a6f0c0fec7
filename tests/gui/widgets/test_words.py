"""Labels, actions, buttons, chips, banners: they show a person's names letter by letter and say why not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from tlgui.core.errors import UserError
from tlgui.gui.widgets import (
    Action,
    Banner,
    Button,
    Card,
    Chip,
    EmptyState,
    FileChip,
    Fold,
    IconButton,
    Label,
    NoticeList,
    ParityStamp,
    ProgressRow,
    Segmented,
    Tile,
    plain_tooltip,
)  # fmt: skip
from tlgui.gui.widgets.words_row import WordsRow

Shown = Callable[..., QWidget]
MARKUP = "<b>x</b><img src='http://example.org/a.png'>"
LONG = "A sentence that is much too long for the little room that it is given here, and so it has to give way."


def labels(widget: QWidget) -> list[QLabel]:
    return widget.findChildren(QLabel) + ([widget] if isinstance(widget, QLabel) else [])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Label(MARKUP), lambda: Label(MARKUP, wrap=True), lambda: Label(MARKUP, elide=True),
        lambda: Chip(MARKUP), lambda: FileChip(MARKUP), lambda: Card(MARKUP, MARKUP), lambda: Banner("warn", MARKUP, MARKUP),
        lambda: EmptyState("grid", MARKUP, MARKUP), lambda: ProgressRow(MARKUP),
    ],
)  # fmt: skip
def test_mark_up_in_a_name_is_shown_as_letters(qtbot: QtBot, make: Callable[[], QWidget]) -> None:
    widget = make()
    qtbot.addWidget(widget)
    assert any(label.text() == MARKUP for label in labels(widget))
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in labels(widget))


def test_mark_up_in_a_tooltip_is_escaped_and_plain_words_are_left_alone() -> None:
    assert "<img" not in plain_tooltip(MARKUP)
    assert "&lt;img" in plain_tooltip(MARKUP)
    assert plain_tooltip("dogs & cats") == "dogs & cats"


def test_an_ampersand_stays_an_ampersand(qtbot: QtBot) -> None:
    action = Action("Open R&D")
    button = Button("Merge into R&D")
    segmented = Segmented([("a", "R&D"), ("b", "B")])
    for widget in (button, segmented):
        qtbot.addWidget(widget)
    assert (action.text(), button.text(), segmented.button("a").text()) == ("Open R&&D", "Merge into R&&D", "R&&D")
    assert (button.plain_text, button.accessibleName()) == ("Merge into R&D", "Merge into R&D")


def test_a_wrapped_label_asks_for_little_width_and_enough_height(shown: Shown) -> None:
    label = Label(LONG, wrap=True)
    shown(label, 150)
    assert label.minimumSizeHint().width() < 100
    assert label.heightForWidth(150) > 3 * label.fontMetrics().height()
    assert label.heightForWidth(150) > label.heightForWidth(400)


def test_a_wrapped_label_breaks_a_word_that_is_too_long(shown: Shown) -> None:
    label = Label("x" * 300, wrap=True)
    shown(label, 120)
    assert label.minimumSizeHint().width() < 100
    assert label.heightForWidth(120) > 5 * label.fontMetrics().height()


def test_an_elided_label_offers_the_whole_as_a_tooltip_only_when_cut(shown: Shown) -> None:
    label = Label(LONG, elide=True)
    shown(label, 100)
    assert label.toolTip() == LONG
    assert not label.grab().isNull()
    label.resize(2000, 20)
    assert label.toolTip() == ""


def test_a_button_mirrors_its_action_and_says_why_not(qtbot: QtBot) -> None:
    pressed: list[int] = []
    action = Action("Pause", lambda: pressed.append(1), "Ctrl+P", "Puts training on hold after this batch", "pause")
    button = Button(action=action)
    qtbot.addWidget(button)
    assert (button.text(), button.accessibleName()) == ("Pause", "Pause")
    assert button.toolTip() == "Puts training on hold after this batch (Ctrl+P)"
    assert not button.icon().isNull()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    action.set_reason("The test images are being read.")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert pressed == [1]
    assert not button.isEnabled()
    assert "The test images are being read." in button.toolTip()
    assert button.accessibleDescription() == "The test images are being read."
    action.set_reason("")
    action.set_text("Continue")
    assert button.isEnabled()
    assert (button.text(), button.accessibleName()) == ("Continue", "Continue")
    button.set_action(None)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert pressed == [1]


def test_the_shortcut_works_while_the_button_is_visible_and_possible(qtbot: QtBot, shown: Shown) -> None:
    pressed: list[int] = []
    window = QWidget()
    column = QVBoxLayout(window)
    action = Action("Pause", lambda: pressed.append(1), "Ctrl+P")
    button = Button(action=action)
    column.addWidget(button)
    shown(window)
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    assert pressed == [1]
    action.set_reason("Not now.")
    qtbot.keyClick(window, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    action.set_reason("")
    button.hide()
    qtbot.keyClick(window, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    assert pressed == [1]


@pytest.mark.parametrize(
    ("kind", "small", "height"),
    [("primary", False, 36), ("secondary", False, 32), ("link", True, 28), ("danger", True, 28)],
)
def test_buttons_have_the_heights_of_the_design(shown: Shown, kind: str, small: bool, height: int) -> None:
    button = Button("Stop", kind, small=small)
    shown(button)
    assert button.height() == height


def test_an_arrow_stands_behind_the_words_and_is_paid_for(shown: Shown) -> None:
    plain, arrow = Button("Next: Backbone", "primary"), Button("Next: Backbone", "primary", "forward")
    shown(plain)
    shown(arrow)
    assert arrow.sizeHint().width() >= plain.sizeHint().width() + 12
    assert arrow.icon().isNull()
    assert not arrow.grab().isNull()


def test_an_icon_button_can_be_pressed_on_28_pixels_and_has_a_name(shown: Shown) -> None:
    button = IconButton("zoom", "Zoom in")
    shown(button)
    assert (button.width(), button.height()) == (28, 28)
    assert (button.accessibleName(), button.toolTip(), button.text()) == ("Zoom in", "Zoom in", "")


def test_an_icon_button_keeps_its_name_when_it_has_an_action(qtbot: QtBot) -> None:
    button = IconButton("zoom", "Zoom in", Action("Zoom", shortcut="Ctrl++"))
    qtbot.addWidget(button)
    assert (button.accessibleName(), button.text()) == ("Zoom in", "")
    assert "(Ctrl++)" in button.toolTip()


def test_segments_are_picked_by_mouse_and_arrows(qtbot: QtBot, shown: Shown) -> None:
    segmented = Segmented([("guided", "Guided"), ("all", "Everything")], "Detail")
    shown(segmented)
    assert segmented.value == "guided"
    with qtbot.waitSignal(segmented.picked) as told:
        qtbot.mouseClick(segmented.button("all"), Qt.MouseButton.LeftButton)
    assert (told.args, segmented.value) == (["all"], "all")
    segmented.button("all").setFocus()
    with qtbot.waitSignal(segmented.picked) as told:
        qtbot.keyClick(segmented.button("all"), Qt.Key.Key_Left)
    assert told.args == ["guided"]
    with qtbot.assertNotEmitted(segmented.picked):
        segmented.set_value("all")
    assert segmented.value == "all"


def test_a_card_without_title_has_no_head_and_one_with_a_link_has(qtbot: QtBot) -> None:
    bare, titled = Card(), Card("Split")
    for card in (bare, titled):
        qtbot.addWidget(card)
    titled.add_head(Button("List all 9 files", "link"))
    assert bare.sizeHint().height() < titled.sizeHint().height()
    titled.set_title("2 classes")
    assert (titled.title(), titled.accessibleName()) == ("2 classes", "2 classes")


def test_a_fold_opens_by_keyboard_and_says_its_state(qtbot: QtBot, shown: Shown) -> None:
    fold = Fold("Details")
    inside = Label("inside")
    fold.body.addWidget(inside)
    shown(fold)
    line = fold.findChild(Button)
    assert isinstance(line, Button)
    assert not inside.isVisible()
    with qtbot.waitSignal(fold.toggled):
        qtbot.keyClick(line, Qt.Key.Key_Space)
    assert inside.isVisible()
    assert line.accessibleName() == "Details, open"


def test_a_banner_says_an_error_with_its_remedy_and_hides_the_details(qtbot: QtBot, shown: Shown) -> None:
    banner = Banner()
    shown(banner, 400)
    banner.show_error(UserError("Only one class was found in 'photos'.", "Put each class in its own folder.", "line 3"))
    assert banner.accessibleName() == "Only one class was found in 'photos'. Put each class in its own folder."
    details = [label for label in labels(banner) if label.text() == "line 3"]
    assert len(details) == 1
    assert not details[0].isVisible()
    banner.show_error(UserError("Another.", "Do this."))
    assert [fold for fold in banner.findChildren(Fold) if not fold.isHidden()] == []
    assert banner.accessibleName() == "Another. Do this."


def test_a_banner_names_nothing_that_is_typed(qtbot: QtBot, shown: Shown) -> None:
    banner = Banner()
    shown(banner, 400)
    banner.show_error(UserError("The folder is not there.", "Say where it is with --data DIR.", code="images_missing"))
    assert banner.accessibleName() == "The folder is not there. Say where the images are now, then try again."


def test_banner_buttons_can_be_taken_away(qtbot: QtBot, shown: Shown) -> None:
    banner = Banner("warn", "14 pairs")
    banner.add_button(Button("Keep together"))
    shown(banner, 400)
    banner.clear_buttons()
    assert not [button for button in banner.findChildren(Button) if button.isVisible()]


def test_notices_are_added_and_cleared(qtbot: QtBot, shown: Shown) -> None:
    notices = NoticeList("Two things to settle")
    notices.add_row("warn", "14 pairs", "The score would look better than it is.", [Button("Show them", "link")])
    row = notices.add_row("good", "2 files are left out")
    shown(notices, 500, 200)
    assert row.accessibleName() == "2 files are left out"
    notices.clear()
    assert notices.body.count() == 0


def test_progress_is_said_and_can_be_called_off(qtbot: QtBot, shown: Shown) -> None:
    row = ProgressRow("Reading 1,101 files")
    shown(row, 400)
    row.set(412, 1101, "412 done, about 6 s left")
    assert row.text() == "Reading 1,101 files 412 done, about 6 s left"
    assert row.bar.accessibleName() == "37 percent"
    cancel = row.findChild(Button)
    assert isinstance(cancel, Button)
    assert not cancel.isVisible()
    row.set_cancellable(True)
    with qtbot.waitSignal(row.cancelled):
        qtbot.mouseClick(cancel, Qt.MouseButton.LeftButton)
    row.set_paused(True)
    assert row.bar.accessibleName() == "37 percent, paused"
    row.set_busy("so far 1,200 files")
    assert row.bar.accessibleName() == "at work"
    row.set(0, 0)
    assert row.bar.busy
    assert not row.grab().isNull()


def test_a_parity_stamp_says_verdict_and_lines(shown: Shown) -> None:
    stamp = ParityStamp()
    shown(stamp, 280, 120)
    assert stamp.accessibleName() == "Not checked yet"
    for state in ("checking", "failed", "proved"):
        stamp.set_state(state, ["32 of 32 labels equal", "Checked today, 14:09"])  # type: ignore[arg-type]
        assert not stamp.grab().isNull()
    assert stamp.state == "proved"
    assert stamp.accessibleName() == "Answers like this window. 32 of 32 labels equal. Checked today, 14:09"


def test_a_tile_says_what_it_shows_and_why_it_does_not(qtbot: QtBot, shown: Shown) -> None:
    tile = Tile(64, "cell_0417.jpg")
    tile.setCheckable(True)
    shown(tile)
    assert (tile.width(), tile.height()) == (70, 70)
    picture = QImage(100, 50, QImage.Format.Format_RGB32)
    picture.fill(0xFF3366)
    tile.set_image(picture)
    assert tile.grab().toImage().pixelColor(35, 35).name() == "#ff3366"
    with qtbot.waitSignal(tile.toggled):
        qtbot.keyClick(tile, Qt.Key.Key_Space)
    tile.set_left_out(True)
    assert tile.accessibleName() == "cell_0417.jpg, left out"
    assert tile.grab().toImage().pixelColor(35, 50).name() != "#ff3366"
    tile.set_left_out(False)
    tile.set_unreadable("The file is cut off")
    assert tile.toolTip() == "cell_0417.jpg\nThe file is cut off"
    tile.set_caption("unreadable")
    assert tile.sizeHint().height() == 90


def test_buttons_go_under_the_words_where_it_is_narrow(qtbot: QtBot, shown: Shown) -> None:
    notices = NoticeList("One thing to settle")
    row = notices.add_row("warn", LONG, LONG, [Button("Show them", "link"), Button("Keep together")])
    shown(notices, 320, 300)
    assert isinstance(row, WordsRow)
    assert row.is_narrow
    assert row.title.width() > 200
    notices.resize(900, 300)
    qtbot.waitUntil(lambda: not row.is_narrow)
    assert all(button.isVisible() for button in row.findChildren(Button))


def test_the_details_of_an_error_can_be_copied(qtbot: QtBot, shown: Shown) -> None:
    banner = Banner()
    shown(banner, 400)
    banner.show_error(UserError("It failed.", "Try again.", "line 3: no room"))
    copy = next(button for button in banner.findChildren(Button) if button.plain_text == "Copy the details")
    copy.click()
    assert QGuiApplication.clipboard().text() == "line 3: no room"


def test_a_number_and_its_percent_sign_stay_on_one_line(qtbot: QtBot) -> None:
    label = Label("Stretched by up to 33 %.", "body", wrap=True)
    qtbot.addWidget(label)
    without = label.fontMetrics().horizontalAdvance("Stretched by up to 33")
    layout, _ = label._laid_out(without + 4)
    lines = [layout.lineAt(number) for number in range(layout.lineCount())]
    starts = [layout.text()[line.textStart() :] for line in lines]
    assert len(starts) == 2 and starts[1] == "33\N{NO-BREAK SPACE}%."
    assert label.text() == "Stretched by up to 33 %.", "what is read and copied is as it was"
