"""The first page: one's own images, the demo, the runs from before."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from tlgui.core.errors import UserError
from tlgui.core.paths import projects_dir
from tlgui.gui.background import Task, run_in_background
from tlgui.gui.continue_dialog import ContinueDialog
from tlgui.gui.folder_dialog import ask_for_folder
from tlgui.gui.pages.start.choices import Choice, ImagesChoice
from tlgui.gui.pages.start.dropped import Meaning, meaning_of
from tlgui.gui.pages.start.frame import BottomBar, TopBar
from tlgui.gui.pages.start.holds_runs import newest_run_button
from tlgui.gui.pages.start.live import with_training
from tlgui.gui.pages.start.queue_section import QueueSection
from tlgui.gui.pages.start.recent_section import RecentSection
from tlgui.gui.pages.start.run_card import OPENING
from tlgui.gui.places import keys_of
from tlgui.gui.rail_training import TrainingNews
from tlgui.gui.run_reasons import ANOTHER_TRAINS
from tlgui.gui.widgets import Action, Banner, Button, Label, ScrollEdge
from tlgui.gui.workbench import Workbench

_WIDEST = 1024
_SIDE_BY_SIDE = 700  # narrower, and the ways to begin stand one below the other


class StartPage(QWidget):
    """Alone in the window, without the rail. What it needs of height beyond the window's is scrolled."""

    name = "start"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._looking: Task | None = None
        self._to_continue: Path | None = None
        self.choose = Action(
            "Choose a folder…",
            self._on_choose,
            tooltip=_tip("Your images stay where they are", "choose_folder"),
            parent=self,
        )
        self.demo = Action(
            "Run the demo", bench.open_demo, "Ctrl+D", "Draws images and trains on them, without a network", parent=self
        )
        self.open = Action(_OPEN_TEXT, self._on_open, tooltip=_tip("The folder of a run", "choose_run"), parent=self)
        self.banner = Banner("bad", "")
        self.banner.hide()
        self.images = ImagesChoice(self.choose, "Start with your images")
        self.images.dropped.connect(self._on_dropped)
        self.demo_choice = Choice("play", "See it work in a minute", _DEMO, self.demo)
        self.open_choice = Choice("folder", "Open a run", _OPEN, self.open)
        self.recent = RecentSection(bench.thumbnails)
        self.recent.opened.connect(self._on_opened)
        self.recent.continue_asked.connect(self._on_continue)
        self.recent.learn_on_asked.connect(lambda path: ContinueDialog(bench, path, self.window()).open())
        self.queue = QueueSection(bench)
        self.queue.opened.connect(self._on_opened)
        self.bottom = BottomBar()
        self._arrange()
        bench.queue.changed.connect(self._on_recent)
        bench.recent.changed.connect(self._on_recent)
        bench.device_changed.connect(self._on_device)
        bench.run_changed.connect(self._on_run_changed)
        bench.opening_changed.connect(self._on_opening)
        self._news = TrainingNews(bench, self)
        self._news.changed.connect(self._on_training)
        self._on_recent()
        self._on_device()

    def primary_action(self) -> Action:
        """What Ctrl+Return presses."""
        return self.choose

    def entered(self) -> None:
        """The window shows this page: runs may have come or gone."""
        self._on_recent()
        self._bench.recent.refresh()

    def left(self) -> None:
        """Another page is shown: what was said here is over."""
        self.banner.hide()
        self._to_continue = None

    def show_error(self, error: Any, buttons: Iterable[Button] = ()) -> None:
        """Says what went wrong, above the ways to begin; the window calls it."""
        self._to_continue = None
        self.banner.clear_buttons()
        for button in buttons:
            self.banner.add_button(button)
        self.banner.show_error(error)
        self.area.verticalScrollBar().setValue(0)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """The ways to begin stand side by side, where there is room."""
        super().resizeEvent(event)
        wide = self.width() >= _SIDE_BY_SIDE
        direction = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        self._ways.setDirection(direction)
        self._middle.setContentsMargins(28, 46 if self.height() >= 760 else 8, 28, 28)

    def _arrange(self) -> None:
        top = TopBar()
        for text, icon, key, does in (
            ("Settings", "settings", "open_settings", self._bench.open_settings),
            ("Help", "help", "open_help", self._bench.open_help),
        ):
            button = Button(text, "quiet", icon=icon)
            button.setToolTip(_tip(text, key))
            button.clicked.connect(does)
            top.buttons.addWidget(button)
        side = QVBoxLayout()
        side.setSpacing(16)
        side.addWidget(self.demo_choice, 1)
        side.addWidget(self.open_choice, 1)
        self._ways = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._ways.setSpacing(16)
        self._ways.addWidget(self.images, 3)
        self._ways.addLayout(side, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(top)
        self.area = self._scrolled(self._column())
        layout.addWidget(ScrollEdge(self.area.verticalScrollBar()))
        layout.addWidget(self.area, 1)
        layout.addWidget(self.bottom)

    def _column(self) -> QWidget:
        column = QWidget()
        column.setMaximumWidth(_WIDEST + 56)
        self._middle = QVBoxLayout(column)
        self._middle.setSpacing(4)
        self._middle.addWidget(Label("Teach this computer to tell your images apart", "start-title", wrap=True))
        self._middle.addWidget(
            Label(
                "No code and no upload. The images, the training and the result stay on this computer.",
                "page-sentence",
                wrap=True,
            )
        )
        self._middle.addSpacing(12)
        self._middle.addWidget(self.banner)
        self._middle.addSpacing(8)
        self._middle.addLayout(self._ways)
        self._middle.addSpacing(22)
        self._middle.addWidget(self.queue)
        self._middle.addSpacing(10)
        self._middle.addWidget(self.recent)
        self._middle.addStretch(1)
        return column

    def _scrolled(self, column: QWidget) -> QScrollArea:
        holder = QWidget()
        holder.setProperty("role", "plain")
        across = QHBoxLayout(holder)
        across.setContentsMargins(0, 0, 0, 0)
        across.addStretch(1)
        across.addWidget(column, 1000)
        across.addStretch(1)
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(holder)
        return area

    def _on_choose(self) -> None:
        ask_for_folder(self, "Choose a folder of images", self._on_chosen)

    def _on_open(self) -> None:
        start = None
        with contextlib.suppress(UserError):  # it cannot be made: the dialog opens anywhere
            start = projects_dir()
        ask_for_folder(self, "Choose the folder of a run", self._on_opened, start)

    def _on_chosen(self, path: Path) -> None:
        self._on_dropped([path])

    def _on_dropped(self, paths: list[Path]) -> None:
        if self._looking is not None:
            self._looking.cancel()
        self._looking = run_in_background(self, lambda: meaning_of(paths), self._on_meaning)

    def _on_meaning(self, meaning: Meaning) -> None:
        self._looking = None
        self.banner.hide()
        if not self._bench.open_meaning(meaning):
            self.show_error(meaning, newest_run_button(meaning, self._on_opened))
            self.banner.set("warn", meaning.problem, meaning.remedy)

    def _on_opened(self, path: Path) -> None:
        self.banner.hide()
        self._to_continue = None
        self._bench.open_run(path)

    def _on_continue(self, path: Path) -> None:
        self.banner.hide()
        folder = self._bench.run_folder
        if folder is not None and folder.path == path:
            # It is shown already, so nothing will be said of it.
            self._bench.open_run(path)
            QTimer.singleShot(0, self._bench, self._bench.continue_run)
            return
        self._to_continue = path
        self._bench.open_run(path)

    def _on_run_changed(self) -> None:
        folder = self._bench.run_folder
        if self._to_continue is not None and folder is not None and folder.path == self._to_continue:
            self._to_continue = None
            # After the window has turned to the run's page: what keeps it from going on is said there.
            QTimer.singleShot(0, self._bench, self._bench.continue_run)

    def _on_recent(self) -> None:
        waiting = {Path(one.run) for one in self._bench.queue.waiting}
        # A run that waits stands in the queue: it has nothing to show or to go on with.
        rows = [row for row in self._bench.recent.rows or [] if row.path not in waiting]
        self.recent.set_runs(with_training(self._bench, rows))
        another = self._bench.training_run is not None
        self.recent.set_reason_against_continue(ANOTHER_TRAINS if another else "")
        self._on_opening()

    def _on_training(self) -> None:
        # Thirty times a second while a run goes on: for nothing while another page is shown.
        if self.isVisible():
            self._on_recent()

    def _on_opening(self) -> None:
        path = self._bench.opening
        elsewhere = path is not None and not self.recent.set_opening(path)
        if path is None:
            self.recent.set_opening(None)
        self.open.set_text(OPENING if elsewhere else _OPEN_TEXT)
        self.open.set_reason("The run is being read." if elsewhere else "")

    def _on_device(self) -> None:
        self.bottom.set_device(self._bench.machine.sentence())


_DEMO = (
    "The program draws 240 images of invented cells, reads them, and trains on them at once. Watch the curves, then "
    "look at the results and export the model."
)
_OPEN_TEXT = "Open…"
_OPEN = "Runs save themselves. One that was interrupted goes on where it was."


def _tip(text: str, does: str) -> str:
    keys = keys_of(does)
    return f"{text} ({keys})." if keys else f"{text}."
