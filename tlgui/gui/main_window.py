"""The window: rail and pages, keys that work everywhere, and nothing of what the pages do themselves."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QApplication, QHBoxLayout, QStackedWidget, QWidget

from tlgui.core.remedies import window_remedy
from tlgui.gui import rail_facts
from tlgui.gui.background import run_in_background
from tlgui.gui.closing import Closing
from tlgui.gui.draft import STEPS, Step
from tlgui.gui.folder_dialog import ask_for_folder
from tlgui.gui.not_yet_page import NotYetPage
from tlgui.gui.pages.start.dropped import Meaning, meaning_of
from tlgui.gui.pages.start.holds_runs import newest_run_button
from tlgui.gui.places import KEYS, PLACES, Place, place
from tlgui.gui.rail import Rail
from tlgui.gui.screens import fitting, smallest_size
from tlgui.gui.widgets import Button, Dialog, FocusRing, Page

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

TITLE = "tlgui"


class MainWindow(QWidget):
    """The window.

    Args:
        bench: what the pages work with.
        places: the pages; tests give others.
    """

    def __init__(self, bench: Workbench, places: Iterable[Place] = PLACES) -> None:
        super().__init__()
        self.setObjectName("window")
        self._bench = bench
        self._places = {row.name: row for row in places}
        self._pages: dict[str, QWidget] = {}
        self._history: list[str] = []
        self._name = ""
        self.rail = Rail(bench, self)
        self._stack = QStackedWidget(self)
        self._not_yet = NotYetPage(bench, self)
        self._stack.addWidget(self._not_yet)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addWidget(self._stack, 1)
        self.closing = Closing(bench, self)
        self._ring = FocusRing(self)
        self._add_keys()
        self._connect()
        self.restore_geometry()
        self.show_page("start")

    # Pages

    @property
    def page_name(self) -> str:
        """The page that is shown."""
        return self._name

    @property
    def page(self) -> Any:
        """The widget that is shown."""
        return self._stack.currentWidget()

    def show_page(self, name: str) -> None:
        """Shows a page; it is made on its first visit."""
        if name not in self._places:
            raise KeyError(name)
        if self._name and self._name != name:
            self._history.append(self._name)
            del self._history[:-50]
        self._name = name
        self._bench.page = name
        self._put_up(self._widget_for(name))
        alone = not self._places[name].part
        self.rail.setVisible(not alone)
        self.rail.set_page(name)
        self._tell_title()

    def go_back(self) -> None:
        """The page before."""
        if self._history:
            name = self._history.pop()
            self.show_page(name)
            self._history.pop()

    def _put_up(self, widget: QWidget) -> None:
        before = self._stack.currentWidget()
        if before is widget:
            return
        _call(before, "left")
        focus = QApplication.focusWidget()
        held = before is not None and focus is not None and (before is focus or before.isAncestorOf(focus))
        if held:
            # A page that hides with the focus in it hands it to whatever comes next, as if Tab had been pressed.
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        self._stack.setCurrentWidget(widget)
        if held:
            widget.setFocus(Qt.FocusReason.OtherFocusReason)
        _call(widget, "entered")
        self._yield_keys()

    def _widget_for(self, name: str) -> QWidget:
        if reason := self._reason_against(name):
            self._not_yet.tell(place(name), reason)
            return self._not_yet
        if name not in self._pages:
            module, _, class_name = self._places[name].path.partition(":")
            page = getattr(importlib.import_module(module), class_name)(self._bench, self)
            page.setProperty("no_ring", True)
            self._pages[name] = page
            self._stack.addWidget(page)
        return self._pages[name]

    def _reason_against(self, name: str) -> str:
        """What a step of the wizard waits for; pages of a run say it themselves."""
        if name not in STEPS or self._bench.read_only or name == STEPS[0]:
            return ""
        before: Step = STEPS[STEPS.index(name) - 1]
        return self._bench.draft.missing(before)

    def _on_draft_changed(self) -> None:
        self._tell_title()
        if self._stack.currentWidget() is self._not_yet and self._name in STEPS:
            self._put_up(self._widget_for(self._name))

    def _on_run_changed(self) -> None:
        self._tell_title()
        if self._name in STEPS:
            self._put_up(self._widget_for(self._name))

    def _on_problem(self, error: object, name: str) -> None:
        """An error stands on the page that it is about."""
        if name in self._places and name != self._name:
            self.show_page(name)
        page = self.page
        moved = getattr(error, "code", "") == "images_missing"
        if hasattr(page, "show_error"):
            buttons = [self._find_button()] if moved else []
            page.show_error(error, buttons)
        elif name != "start":  # that page hears of its own problems
            self._say(error)

    def _find_button(self) -> Button:
        button = Button("Find the images…", "secondary", small=True)
        button.clicked.connect(self._choose_images)
        return button

    def _say(self, error: object) -> None:
        remedy = window_remedy(str(getattr(error, "code", "")), str(getattr(error, "remedy", "")))
        dialog = Dialog(str(getattr(error, "problem", error)), remedy, self)
        dialog.add_button("Close", "primary", default=True)
        dialog.open()

    def _tell_title(self) -> None:
        name = rail_facts.project_name(self._bench)
        alone = not self._places[self._name].part or name == rail_facts.NO_NAME
        self.setWindowTitle(TITLE if alone else f"{name} - {TITLE}")

    # Keys

    def _add_keys(self) -> None:
        self._shortcuts = [QShortcut(QKeySequence(key.keys), self) for key in KEYS]
        for key, shortcut in zip(KEYS, self._shortcuts, strict=True):
            shortcut.activated.connect(lambda does=key.does: self._do(does))

    def _yield_keys(self) -> None:
        """A button of the page may know a key for itself: two that know the same would both stay silent."""
        page = self.page
        buttons = page.findChildren(QWidget)
        taken = {keys for one in (page, *buttons) for action in one.actions() for keys in action.shortcuts()}
        for shortcut in self._shortcuts:
            shortcut.setEnabled(shortcut.key() not in taken)

    def _do(self, does: str) -> None:
        method, _, argument = does.partition(":")
        if method == "go":
            self.show_page(argument)
        else:
            getattr(self, method)()

    def press_primary(self) -> None:
        """The blue button of the page."""
        ask = getattr(self.page, "primary_action", None)
        action = ask() if ask is not None else None
        if action is not None and action.isEnabled():
            action.trigger()

    def focus_next_part(self) -> None:
        """Rail, page, foot, and round again."""
        self._focus_part(1)

    def focus_previous_part(self) -> None:
        """The other way round."""
        self._focus_part(-1)

    def _focus_part(self, step: int) -> None:
        parts = self._parts()
        now = QGuiApplication.focusObject()
        at = next((i for i, part in enumerate(parts) if isinstance(now, QWidget) and part.isAncestorOf(now)), -1)
        if at < 0 and step < 0:
            at = 0
        target = parts[(at + step) % len(parts)]
        if target is self.rail:
            self.rail.focus()
        else:
            _focus_first(target)

    def _parts(self) -> list[QWidget]:
        page = self.page
        parts: list[QWidget] = [page]
        if isinstance(page, Page):
            parts = [page.scroll_area, page.foot] if page.foot.isVisible() else [page.scroll_area]
        return [self.rail, *parts] if self.rail.isVisible() else parts

    # Dialogs

    def choose_folder(self) -> None:
        """Asks for a folder of images."""
        ask_for_folder(self, "Choose a folder of images", self._on_folder_chosen)

    def _on_folder_chosen(self, path: Path) -> None:
        """The disk is asked first: it may be a run, or a folder of runs."""
        run_in_background(self, lambda: meaning_of([path]), self._on_meaning)

    def _on_meaning(self, meaning: Meaning) -> None:
        if self._bench.open_meaning(meaning):
            return
        if hasattr(self.page, "show_error"):
            self.page.show_error(meaning, newest_run_button(meaning, self._bench.open_run))
        else:
            self._say(meaning)

    def choose_run(self) -> None:
        """Asks for a run folder."""
        ask_for_folder(self, "Choose a run folder", self._bench.open_run)

    def _choose_images(self) -> None:
        ask_for_folder(self, "Where are the images of this run now?", self._bench.find_images)

    def _choose_site(self) -> None:
        ask_for_folder(self, "Where are the images of the new site now?", self._bench.find_site)

    def open_settings(self) -> None:
        """The settings."""
        from tlgui.gui.settings_dialog import SettingsDialog  # not before it is needed: the window should open fast

        SettingsDialog(self._bench.settings, self).open()

    def open_help(self) -> None:
        """The help."""
        from tlgui.gui.help_dialog import HelpDialog

        HelpDialog(self).open()

    def _on_asked(self, what: str) -> None:
        match what:
            case "settings":
                self.open_settings()
            case "help":
                self.open_help()
            case "choose_folder":
                self.choose_folder()
            case "choose_run":
                self.choose_run()
            case "choose_images":
                self._choose_images()
            case "choose_site":
                self._choose_site()

    # The window itself

    def restore_geometry(self) -> None:
        """Where it was last time, moved onto a screen that is there."""
        areas = [screen.availableGeometry() for screen in QGuiApplication.screens()]
        values = self._bench.settings.values
        wanted = QRect(*values.geometry) if values.geometry is not None else None
        rect = fitting(wanted, areas)
        self.setMinimumSize(smallest_size(areas))
        self.setGeometry(rect)
        if values.maximized:
            self.setWindowState(self.windowState() | Qt.WindowState.WindowMaximized)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  Qt's name
        """The rail takes the form that there is room for."""
        self.rail.fit(event.size())
        super().resizeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802  Qt's name
        """Asks once while a training runs."""
        if not self.closing.may_close():
            event.ignore()
            return
        rect = self.normalGeometry() if self.isMaximized() else self.geometry()
        self._bench.settings.set(
            geometry=(rect.x(), rect.y(), rect.width(), rect.height()), maximized=self.isMaximized()
        )
        event.accept()

    def _connect(self) -> None:
        bench = self._bench
        self.rail.page_pressed.connect(self.show_page)
        bench.page_asked.connect(self.show_page)
        bench.problem_raised.connect(self._on_problem)
        bench.draft.changed.connect(self._on_draft_changed)
        bench.run_changed.connect(self._on_run_changed)
        bench.asked.connect(self._on_asked)
        self.closing.allowed.connect(self.close)


def _call(widget: QWidget | None, name: str) -> None:
    """Pages may have hooks; a plain widget needs none."""
    hook = getattr(widget, name, None)
    if hook is not None:
        hook()


def _focus_first(part: QWidget) -> None:
    for widget in part.findChildren(QWidget):
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible() and widget.isEnabled():
            widget.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return
