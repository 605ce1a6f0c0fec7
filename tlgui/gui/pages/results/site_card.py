"""Before and after adapting to a new site: the known site, the new one, and a few labelled images of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from tlgui.core import before_after, events
from tlgui.core.before_after import BeforeAfter
from tlgui.core.errors import UserError
from tlgui.core.run_folder import RunFolder
from tlgui.gui.background import Task, run_in_background
from tlgui.gui.folder_dialog import ask_for_folder
from tlgui.gui.numbers import count
from tlgui.gui.pages.results.site_words import NOT_KNOWN, Row, Value, about_before, about_score, made_worse, rows
from tlgui.gui.widgets import Banner, Button, Card, Divider, Label, ProgressRow

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_HEADS = ("", "Before: without adapting", "After: adapted", "Difference")
_SCORE = "Score on labelled images of the new site…"
_SCORE_TIP = (
    "Takes a folder with one folder of images per class. They are scored once and choose nothing; each look is counted."
)
_ASK = "Ask both about the unlabelled images"
_ASK_TIP = (
    "Both runs answer for the images of the new site: how sure they are, and how the answers spread. No label is read."
)
_NO_SITE = "The images of the new site are not where they were."
_NO_BEFORE = "There is no run without adapting to ask."
_BACK = "Use the run without adapting"
_BACK_TIP = "Opens the run that did not adapt; this one stays as it is."
_ABOUT = "A few labelled images of the new site, one folder per class, tell how good both runs are there."


class SiteResultsCard(Card):
    """The table, what was made worse with the way back, and the score on labelled images.

    Args:
        bench: with `site_score`.
        parent: the widget it lies in.
    """

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("Before and after adapting", parent=parent)
        self._bench = bench
        self._run: RunFolder | None = None
        self._task: Task | None = None
        self.found: BeforeAfter | None = None
        self._stopping = False
        self._about = Label("", "caption", wrap=True)
        self._reading = Label("Looking for the run without adapting…", "muted")
        self.worse = Banner("warn")
        self.back = Button(_BACK, small=True)
        self.back.setToolTip(_BACK_TIP)
        self.back.clicked.connect(self._on_back)
        self.worse.add_button(self.back)
        self._table = QWidget()  # made anew with each reading
        self._looks = Label("", "caption", wrap=True)
        self.score = Button(_SCORE, small=True, icon="folder")
        self.score.clicked.connect(self._on_asked)
        self.ask = Button(_ASK, small=True, icon="scan")
        self.ask.clicked.connect(self._on_ask)
        self._about_score = Label(_ABOUT, "caption", wrap=True)
        self.progress = ProgressRow()
        self.progress.cancelled.connect(self._on_cancel)
        self.problem = Banner("bad")
        self._ask_line = QWidget()
        line = QHBoxLayout(self._ask_line)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(10)
        line.addWidget(self.score)
        line.addWidget(self.ask)
        line.addStretch(1)
        told = (self._about, self._reading, self.worse, self._table, self._looks)
        for widget in (*told, self._about_score, self._ask_line, self.progress, self.problem):
            self.body.addWidget(widget)
        bench.site_score.changed.connect(self._show_score)
        bench.site_score.scored.connect(self._read)
        self.forget()

    def show_run(self, run: RunFolder) -> None:
        """Reads what is known of a run that adapted."""
        self._run = run
        self.show()
        self._read()
        self._show_score()

    def forget(self) -> None:
        """Shows none."""
        if self._task is not None:
            self._task.cancel()
        self._run = self._task = self.found = None
        self.hide()

    def _read(self) -> None:
        run = self._run
        if run is None:
            return
        if self._task is not None:
            self._task.cancel()
        self._reading.setVisible(self.found is None)
        for widget in (self._about, self.worse, self._table, self._looks):
            widget.setVisible(self.found is not None)
        self._task = run_in_background(self, _caught(run), self._on_read)

    def _on_read(self, found: BeforeAfter | UserError) -> None:
        self._task = None
        self._reading.hide()
        if isinstance(found, UserError):
            self.problem.show_error(found)
            return
        self.found = found
        self._about.setText(about_before(found))
        both = self._bench.site_score.answers(self._run.path, found.before) if self._run is not None else None
        self._show_table(_table(rows(found, both)))
        worse = made_worse(found)
        self.worse.set("warn", "Adapting made it worse, beyond what chance explains", " ".join(worse))
        self._looks.setText(about_score(found, both is not None))
        self._about.show()
        self._table.show()
        self.worse.setVisible(bool(worse) and found.before is not None)
        self._looks.setVisible(bool(self._looks.text()))
        self._show_score()

    def _show_table(self, table: QWidget) -> None:
        before, self._table = self._table, table
        self.body.insertWidget(self.body.indexOf(before), table)
        self.body.removeWidget(before)
        before.hide()
        before.deleteLater()

    # -- a score on labelled images

    def _show_score(self) -> None:
        desk = self._bench.site_score
        busy, ended = desk.busy, desk.ended
        self._stopping = self._stopping and busy
        self._ask_line.setVisible(not busy)
        self._about_score.setVisible(not busy)
        self.score.setToolTip(_SCORE_TIP)
        against = _NO_BEFORE if self.found is None or self.found.before is None else "" if desk.site else _NO_SITE
        self.ask.setEnabled(not against)
        self.ask.setToolTip(against or _ASK_TIP)
        self.progress.setVisible(busy)
        if busy:
            self._show_progress(desk.progress)
        said = "Stopped. Nothing was kept." if isinstance(ended, events.Stopped) else _ABOUT
        # Without a run before, the card has said so already.
        self._about_score.setText(f"{said} {against}" if against == _NO_SITE else said)
        failed = ended if isinstance(ended, events.Failed | events.Crashed) and not busy else None
        if isinstance(failed, events.Failed):
            self.problem.show_error(failed)
        elif failed is not None:
            self.problem.set("bad", failed.sentence())
        self.problem.setVisible(failed is not None)

    def _show_progress(self, progress: events.Progress | None) -> None:
        self.progress.set_cancellable(not self._stopping)
        stage = progress.stage if progress is not None else "reading the images"
        self.progress.set_title(stage[:1].upper() + stage[1:])
        if self._stopping:
            self.progress.set_busy("Stopping…")
        elif progress is None or progress.total <= 1:
            self.progress.set_busy()
        else:
            self.progress.set(progress.done, progress.total, f"{count(progress.done)} of {count(progress.total)}")

    def _on_asked(self) -> None:
        ask_for_folder(self, "Choose the folder of labelled images of the new site", self._on_chosen)

    def _on_chosen(self, folder: Path) -> None:
        self._bench.site_score.score(folder, self.found.before if self.found is not None else None)

    def _on_ask(self) -> None:
        if self.found is not None and self.found.before is not None:
            self._bench.site_score.ask_both(self.found.before)

    def _on_cancel(self) -> None:
        self._stopping = True
        self._bench.site_score.cancel()
        self._show_score()

    def _on_back(self) -> None:
        if self.found is not None and self.found.before is not None:
            self._bench.open_run(self.found.before)


def _caught(run: RunFolder) -> Callable[[], BeforeAfter | UserError]:
    def do() -> BeforeAfter | UserError:
        try:
            return before_after.read(run)
        except UserError as error:
            return error

    return do


def _table(lines: list[Row]) -> QWidget:
    table = QWidget()
    grid = QGridLayout(table)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(14)
    grid.setVerticalSpacing(6)
    for column, stretch in enumerate((3, 3, 3, 4)):
        grid.setColumnStretch(column, stretch)
    for column, head in enumerate(_HEADS):
        grid.addWidget(Label(head, "caption-strong", wrap=True), 0, column)
    for place, row in enumerate(lines):
        grid.addWidget(Divider(), 2 * place + 1, 0, 1, len(_HEADS))
        cells = (Value(row.name, row.images), row.before, row.after, row.difference)
        for column, value in enumerate(cells):
            cell = _Cell(value, bold=column > 0, tone=row.tone if column == len(cells) - 1 else "")
            grid.addWidget(cell, 2 * place + 2, column, Qt.AlignmentFlag.AlignTop)
    return table


class _Cell(QWidget):
    """A value, and in a second line its interval or what it means."""

    def __init__(self, value: Value, bold: bool, tone: str) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        known = bold and bool(value.second) and value.text != NOT_KNOWN
        first = Label(value.text, "strong" if known else "muted" if bold else "body", wrap=True)
        first.set_tone(tone)
        column.addWidget(first)
        if value.second:
            column.addWidget(Label(value.second, "caption", wrap=True))
        self.setToolTip(value.why)
        self.setAccessibleName(" ".join(filter(None, (value.text, value.second, value.why))))
