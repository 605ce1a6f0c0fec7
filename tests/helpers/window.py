"""The real window as a person uses it: reads what is shown, presses what can be pressed, waits for what comes.

    with Visit(qtbot) as visit:                     # real engines and a real imaging child
    with Visit(qtbot, fake("hang", at=1)) as visit:  # a fake engine that plays a part
        visit.press("Choose a folder…")
        visit.choose(folder)
        visit.until_reads("Recognised")

`Person` waits for nothing, so that a program of its own can use it too (`helpers.window_program`); `Visit` waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QFileDialog,
    QLabel,
    QLineEdit,
    QScrollArea,
    QWidget,
)
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from helpers.fake_engine import fake_engine_command
from tlgui.core.engine_process import EngineProcess
from tlgui.gui import app
from tlgui.gui.closing import shut_down
from tlgui.gui.engine_thread import EngineThread
from tlgui.gui.main_window import MainWindow
from tlgui.gui.settings import Settings
from tlgui.gui.theme import theme

Make = Callable[[], EngineProcess]
# Never waited for in full: a limit for a machine under load.
PATIENCE_S = 60.0
# What Qt's offscreen platform cannot do, and says each time (house_style.md).
OFFSCREEN = (
    "This plugin does not support propagateSizeHints",
    "This plugin does not support raise()",
    "This plugin does not support grabbing the keyboard",
)


def fake(scenario: str = "train", **options: float | str) -> Make:
    """Makes engines that play a part; see `helpers.fake_engine`."""
    return lambda: EngineProcess(fake_engine_command(scenario, **options))


class Person:
    """Eyes and hands.

    Args:
        window: the window before which the person sits.
    """

    def __init__(self, window: MainWindow) -> None:
        self.window = window

    @property
    def surface(self) -> QWidget:
        """What can be used now: the dialog in front, else the window."""
        return QApplication.activeModalWidget() or self.window

    @property
    def page(self) -> Any:
        """The page that is shown."""
        return self.window.page

    def dialogs(self) -> list[QDialog]:
        """The open ones."""
        return [one for one in QApplication.topLevelWidgets() if isinstance(one, QDialog) and one.isVisible()]

    def words(self) -> list[str]:
        """Every text that can be read now, of the dialog in front or of the window."""
        return list(_words(self.surface))

    def reads(self, words: str) -> bool:
        """Whether these words stand somewhere in one of the texts."""
        return any(words in text for text in self.words())

    def find(self, words: str) -> QAbstractButton | None:
        """The button with these words, or that begins with them."""
        shown = [one for one in self.surface.findChildren(QAbstractButton) if one.isVisible()]
        exact = [one for one in shown if words in (_name(one), one.accessibleName())]
        begins = [one for one in shown if _name(one).startswith(words)]
        return next(iter(exact or begins), None)

    def can_press(self, words: str) -> bool:
        """Whether such a button is there and can be pressed now."""
        button = self.find(words)
        return button is not None and button.isEnabled()

    def in_reach(self, words: str) -> bool:
        """Whether it can be pressed, and the mouse gets there; a page that was just built takes some turns to lay out."""
        if not self.can_press(words):
            return False
        button = self.find(words)
        assert button is not None
        scroll_to(button)
        return not out_of_reach(button)

    def press(self, words: str) -> None:
        """Presses the button with the mouse, where the person sees it."""
        button = self.find(words)
        assert button is not None, f"no button {words!r} among {self.buttons()}"
        assert button.isEnabled(), f"{words!r} cannot be pressed: {button.toolTip()}"
        scroll_to(button)
        assert (hidden := out_of_reach(button)) == "", f"{words!r} {hidden}"
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def buttons(self) -> list[str]:
        """The words of all buttons that are shown."""
        return [_name(one) for one in self.surface.findChildren(QAbstractButton) if one.isVisible()]

    def key(self, keys: str) -> None:
        """Presses keys, as Qt spells them, where the focus is."""
        combination = QKeySequence(keys)[0]
        target = QApplication.focusWidget() or self.surface
        QTest.keyClick(target, combination.key(), combination.keyboardModifiers())

    def choose(self, path: Path) -> None:
        """Answers the dialog that asks for a folder or a file, by typing where it is."""
        dialog = next(one for one in self.dialogs() if isinstance(one, QFileDialog))
        field = dialog.findChild(QLineEdit)
        field.setText(str(path))
        QTest.keyClick(field, Qt.Key.Key_Return)
        if dialog.isVisible():  # the first Return may have taken what the dialog proposed
            QTest.keyClick(field, Qt.Key.Key_Return)


class Visit(Person):
    """A window with everything behind it, opened and ended as the program does. Use as a context manager.

    Args:
        qtbot: of pytest-qt.
        engine: makes the warm engine and, unless `side` is given, the other one; `None`: the real ones.
        side: makes the engine for exports and single images.
        size: of the window.
    """

    def __init__(
        self, qtbot: QtBot, engine: Make | None = None, side: Make | None = None, size: tuple[int, int] = (1280, 800)
    ) -> None:
        self.qtbot = qtbot
        self._before = set(psutil.Process().children(recursive=True))
        theme().install(QApplication.instance())  # type: ignore[arg-type]
        theme().set_choice("light")
        self.settings = Settings()
        self.bench = _bench(self.settings, engine, side or engine)
        super().__init__(MainWindow(self.bench))
        self.window.setGeometry(0, 0, *size)

    def __enter__(self) -> Visit:
        with self.qtbot.waitExposed(self.window):
            self.window.show()
        self.bench.wake()
        return self

    def __exit__(self, *exception: object) -> None:
        self.end()

    def end(self) -> None:
        """Closes the window without a question and ends everything behind it; a second time does nothing."""
        if not isValid(self.window):
            return
        for dialog in self.dialogs():
            dialog.close()
        self.window.closing.close_anyway()
        self.window.hide()
        shut_down(self.bench)
        self.window.deleteLater()
        self.bench.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)

    def left_behind(self) -> list[str]:
        """Processes that this window began and that are still there."""
        left = set(psutil.Process().children(recursive=True)) - self._before
        alive = psutil.wait_procs(list(left), timeout=5)[1]
        return [" ".join(child.cmdline()) for child in alive if child.status() != psutil.STATUS_ZOMBIE]

    # Waiting

    def until(self, ready: Callable[[], object], what: str = "", patience_s: float = PATIENCE_S) -> None:
        """Lets the window live until something has happened; a failure tells what stands there instead."""
        end = time.monotonic() + patience_s
        while not ready():
            run = self.bench.run
            state = f"; the run is {run.state}" if run is not None else ""
            assert time.monotonic() < end, f"{what or 'it'} did not come{state}; it reads {self.words()}"
            self.qtbot.wait(10)

    def until_reads(self, words: str) -> None:
        """Until these words stand there."""
        self.until(lambda: self.reads(words), repr(words))

    def until_page(self, name: str) -> None:
        """Until this page is shown."""
        self.until(lambda: self.window.page_name == name and self.page.name == name, f"the page {name!r}")

    def press_soon(self, words: str) -> None:
        """Presses a button as soon as it can be pressed."""
        self.until(lambda: self.in_reach(words), f"the button {words!r}")
        self.press(words)

    def choose_soon(self, path: Path) -> None:
        """Answers a file dialog as soon as it is open."""
        self.until(lambda: any(isinstance(one, QFileDialog) for one in self.dialogs()), "the file dialog")
        self.choose(path)
        self.until(lambda: not any(isinstance(one, QFileDialog) for one in self.dialogs()), "the end of the dialog")

    # Longer ways

    def open_images(self, folder: Path) -> None:
        """From the start page to the page of images, all read."""
        self.press_soon("Choose a folder…")
        self.choose_soon(folder)
        self.until_page("images")
        self.until(lambda: self.bench.draft.summary is not None, "the end of the scan")

    def start(self, folder: Path, epochs: int | None = None) -> None:
        """Reads a folder and starts a training on it, without a look at the steps between."""
        self.bench.open_folder(folder)
        self.until(lambda: self.bench.draft.summary is not None, "the end of the scan")
        if epochs is not None:
            self.bench.draft.set_training("epochs", epochs)
        self.window.show_page("review")
        self.press_soon("Start training")
        self.until_page("train")

    @property
    def run(self) -> Any:
        """The run that is shown."""
        assert self.bench.run is not None
        return self.bench.run

    def until_state(self, *states: str, patience_s: float = PATIENCE_S) -> None:
        """Until the run is in one of these states."""
        bench = self.bench
        self.until(lambda: bench.run is not None and bench.run.state in states, f"the state {states}", patience_s)

    def engine_process(self) -> psutil.Process:
        """The warm engine's process."""
        engine = self.bench.engine._keeper._engine
        assert engine is not None
        return psutil.Process(engine.pid)


def _bench(settings: Settings, engine: Make | None, side: Make | None) -> Any:
    if engine is None or side is None:
        return app.make_bench(settings)

    def threads(make: Make | None = None, on_demand: bool = False) -> EngineThread:
        return EngineThread(make=side if on_demand else engine, on_demand=on_demand)

    with patch.object(app, "EngineThread", threads):
        return app.make_bench(settings)


def _words(root: QWidget) -> Iterator[str]:
    for widget in root.findChildren(QWidget):
        if not widget.isVisible():
            continue
        if isinstance(widget, QLabel):
            yield widget.text()
        elif isinstance(widget, QAbstractButton):
            yield _name(widget)
        elif widget.accessibleName():
            yield widget.accessibleName()


def _name(button: QAbstractButton) -> str:
    return str(getattr(button, "plain_text", "") or button.text().replace("&&", "&") or button.accessibleName())


# What can be reached


def scroll_to(widget: QWidget) -> None:
    """Scrolls every area around it, as a person does to see it."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea) and (inside := parent.widget()) is not None:
            # Not `ensureWidgetVisible`: of a plot it shows the corner where one would type.
            middle = widget.mapTo(inside, widget.rect().center()).y()
            parent.verticalScrollBar().setValue(middle - parent.viewport().height() // 2)
        parent = parent.parentWidget()


def out_of_reach(widget: QWidget) -> str:
    """Why a visible widget cannot be pressed with the mouse where it is now; "" where it can."""
    window = widget.window()
    middle = widget.mapTo(window, widget.rect().center())
    if not window.rect().contains(middle):
        return f"lies outside the window at {middle.x()}, {middle.y()}"
    for parent in _parents(widget):
        where = QRect(parent.mapTo(window, QPoint(0, 0)), parent.size())
        if not where.contains(middle):
            return f"is cut off by {type(parent).__name__}"
    found = window.childAt(middle)
    if found is not None and found is not widget and not widget.isAncestorOf(found):
        return f"is covered by {type(found).__name__} '{found.accessibleName()}'"
    return ""


def _parents(widget: QWidget) -> Iterator[QWidget]:
    parent = widget.parentWidget()
    while parent is not None and not parent.isWindow():
        yield parent
        parent = parent.parentWidget()
