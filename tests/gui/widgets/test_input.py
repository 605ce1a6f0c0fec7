"""Number fields take what people type anywhere; drop areas take what fits."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tlgui.gui.widgets import DropArea, NumberField, SpinBox

Shown = Callable[..., QWidget]


@pytest.fixture
def german() -> Iterator[None]:
    QLocale.setDefault(QLocale("de_DE"))
    yield
    QLocale.setDefault(QLocale.c())


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize("typed", ["0,001", "0.001", "1e-3"])
def test_a_number_is_the_same_however_it_is_typed(qtbot: QtBot, typed: str) -> None:
    field = NumberField(0.1, 0.0, 1.0, name="Learning rate")
    qtbot.addWidget(field)
    field.clear()
    with qtbot.waitSignal(field.changed):
        qtbot.keyClicks(field, typed)
    assert field.value() == 0.001
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert field.text() == "0.001"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("abc", "“abc” is no number: write 0.001, 0,001 or 1e-3."), ("", "A number is missing here."),
        ("2", "Allowed is 0 to 1."), ("-1", "Allowed is 0 to 1."),
        ("1,000.5", "“1,000.5” is no number: write 0.001, 0,001 or 1e-3."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_words(qtbot: QtBot, typed: str, sentence: str) -> None:
    field = NumberField(0.5, 0, 1)
    qtbot.addWidget(field)
    with qtbot.waitSignal(field.problem_changed) as told, qtbot.assertNotEmitted(field.changed):
        field.setText(typed)
    assert (told.args, field.problem, field.toolTip(), field.value()) == ([sentence], sentence, sentence, None)
    with qtbot.waitSignal(field.problem_changed) as told:
        field.setText("0.25")
    assert (told.args, field.value()) == ([""], 0.25)


def test_whole_numbers_and_empty_fields(qtbot: QtBot) -> None:
    whole, empty = NumberField(20, 1, whole=True), NumberField(None, may_be_empty=True)
    for field in (whole, empty):
        qtbot.addWidget(field)
    whole.setText("2,5")
    assert whole.problem == "A whole number is needed here."
    whole.setText("0")
    assert whole.problem == "Allowed is 1 or more."
    assert (empty.value(), empty.problem) == (None, "")


def test_setting_a_value_tells_nothing_and_writes_a_point(qtbot: QtBot) -> None:
    field = NumberField()
    qtbot.addWidget(field)
    with qtbot.assertNotEmitted(field.changed):
        field.set_value(1e-7)
    assert field.text() == "0.0000001"
    field.set_value(1e-15)
    assert field.value() == 1e-15


@pytest.mark.parametrize(
    ("accepts", "taken"), [("folder", ["photos"]), ("files", ["a.png"]), ("any", ["photos", "a.png"])]
)
def test_a_drop_area_takes_what_fits(
    qtbot: QtBot, shown: Shown, tmp_path: Path, accepts: str, taken: list[str]
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "a.png").touch()
    area = DropArea(accepts, "Drop it here")  # type: ignore[arg-type]
    shown(area, 300, 120)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / name)) for name in ("photos", "a.png")])
    drag(area, data)
    assert area.words.text().startswith("Let go to read")
    assert area.is_over
    with qtbot.waitSignal(area.dropped) as told:
        drop(area, data)
    assert told.args == [[tmp_path / name for name in taken]]
    assert area.words.text() == "Drop it here"


def test_what_does_not_fit_is_said_and_not_taken(qtbot: QtBot, shown: Shown, tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    area = DropArea("folder", "Drop it here")
    shown(area, 300, 120)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.png"))])
    drag(area, data)
    assert area.words.text() == "A folder belongs here, not a file"
    with qtbot.assertNotEmitted(area.dropped):
        drop(area, data)
    drag(area, data)
    QApplication.sendEvent(area, QDragLeaveEvent())
    assert area.words.text() == "Drop it here"


def test_text_and_web_addresses_are_not_taken(shown: Shown) -> None:
    area = DropArea("any", "Drop it here")
    shown(area, 300, 120)
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/a.png")])
    assert not drag(area, data)
    assert area.words.text() == "Drop it here"


def test_the_wheel_turns_a_box_only_when_it_has_the_focus(qtbot: QtBot, shown: Shown) -> None:
    box = SpinBox(20, 1, 100, "Epochs")
    other = QWidget()
    shown(box, 90)
    shown(other, 90, 30)
    for expected, focused in ((20, False), (21, True)):
        if focused:
            box.activateWindow()
            box.setFocus()
            qtbot.waitUntil(box.hasFocus)
        wheel = QWheelEvent(
            QPointF(5, 5), QPointF(5, 5), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, NO_KEY,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(box, wheel)
        assert box.value() == expected
    assert box.accessibleName() == "Epochs"


LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def drag(area: DropArea, data: QMimeData) -> bool:
    with warnings.catch_warnings():  # Qt 6.12 wants a QPointF here, Qt 6.8 knows none
        warnings.simplefilter("ignore", DeprecationWarning)
        event = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, LEFT, NO_KEY)
    QApplication.sendEvent(area, event)
    return event.isAccepted()


def drop(area: DropArea, data: QMimeData) -> None:
    event = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, LEFT, NO_KEY)
    QApplication.sendEvent(area, event)
