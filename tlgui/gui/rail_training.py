"""The way back in the rail: the run that trains while another one, or none, is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from tlgui.gui import theme
from tlgui.gui.icons import pixmap
from tlgui.gui.places import place
from tlgui.gui.rail_entries import RailEntry
from tlgui.gui.widgets import plain_tooltip

if TYPE_CHECKING:
    from tlgui.gui.run_model import RunModel
    from tlgui.gui.workbench import Workbench

_BAR, _TEXT = 3, 38
# States of a run that have no epoch to tell, or that say more than it.
_STAGES = {
    "starting": "being prepared",
    "preparing": "being prepared",
    "stopping": "stops in a moment",
    "scoring": "the best epoch is scored",
}


def training_words(run: RunModel) -> str:
    """How far the run that trains has come, in a few words."""
    if run.state in _STAGES:
        return _STAGES[run.state]
    if not run.epochs_planned:
        return "at work"
    done = run.epochs[-1].epoch if run.epochs else 0
    epoch = f"epoch {min(done + 1, run.epochs_planned)} of {run.epochs_planned}"
    return f"paused, {epoch}" if run.state == "paused" else epoch


def training_fraction(run: RunModel) -> float:
    """The part of the planned epochs that is done, 0 to 1."""
    done = run.epochs[-1].epoch if run.epochs else 0
    return min(1.0, done / run.epochs_planned) if run.epochs_planned else 0.0


class TrainingNews(QObject):
    """Hears the run that trains, whichever that is, and says when there is something to tell of it anew.

    Args:
        bench: whose run it is.
        parent: owner.
    """

    changed = Signal()

    def __init__(self, bench: Workbench, parent: QObject) -> None:
        super().__init__(parent)
        self._bench = bench
        self._heard: RunModel | None = None
        bench.run_changed.connect(self._on_run_changed)
        self._on_run_changed()

    def _on_run_changed(self) -> None:
        run = self._bench.training_run
        if run is not self._heard:
            if self._heard is not None and shiboken6.isValid(self._heard):
                self._heard.changed.disconnect(self.changed)
            self._heard = run
            if run is not None:
                run.changed.connect(self.changed)
        self.changed.emit()


class TrainingEntry(RailEntry):
    """Which images train and how far they are; a press leads to the curves. Hidden while that run is shown."""

    turned_up = Signal()
    """It is there now, or gone."""
    height_when_wide = 56

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(place("train"), self.height_when_wide, parent)
        self._bench = bench
        self.title, self.caption, self.fraction = "", "", 0.0
        self.setAccessibleName("Training")
        self.setToolTip("Shows the curves of the run that trains.")
        self.hide()
        self.clicked.connect(bench.show_training)
        self._news = TrainingNews(bench, self)
        self._news.changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        run = self._bench.training_run
        away = run is not None and run is not self._bench.run
        if away and run is not None:
            told = (f"Training: {self._bench.training_name}", training_words(run), training_fraction(run))
            if told != (self.title, self.caption, self.fraction):
                self.title, self.caption, self.fraction = told
                self.setAccessibleName(f"{self.title}, {self.caption}")
                self.setToolTip(plain_tooltip(f"{self.title}, {self.caption}. Shows its curves."))
                self.update()
        if away == self.isHidden():
            self.setVisible(away)
            self.turned_up.emit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Icon, two lines, and a bar for the epochs that are done."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect()).adjusted(0.5, 1.5, -0.5, -1.5)
        painter.setPen(theme.color("tint_line"))
        painter.setBrush(theme.color("tint" if self.underMouse() or self.isDown() else "surface"))
        painter.drawRoundedRect(rect, 8, 8)
        left = (self.width() - 18) / 2 if self.is_narrow else 12
        top = rect.center().y() - (11 if self.is_narrow else 12)
        painter.drawPixmap(QPointF(left, top), pixmap("train", 18, "primary", self.devicePixelRatioF()))
        if not self.is_narrow:
            self._paint_words(painter)
        self._paint_bar(painter, rect)
        painter.end()

    def _paint_words(self, painter: QPainter) -> None:
        width = self.width() - _TEXT - 6
        for text, colour, weight, size, top in (
            (self.title, "text", 500, 12, 6),
            (self.caption, "muted", 400, 12, 25),
        ):
            painter.setFont(theme.font(size, weight))
            painter.setPen(theme.color(colour))
            elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, width)
            painter.drawText(QRectF(_TEXT, top, width, 20), Qt.AlignmentFlag.AlignVCenter, elided)

    def _paint_bar(self, painter: QPainter, rect: QRectF) -> None:
        inset = 6.0 if self.is_narrow else 12.0
        track = QRectF(rect.left() + inset, rect.bottom() - 5 - _BAR, rect.width() - 2 * inset, _BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("sunken"))
        painter.drawRoundedRect(track, _BAR / 2, _BAR / 2)
        track.setWidth(track.width() * self.fraction)
        painter.setBrush(theme.color("primary"))
        painter.drawRoundedRect(track, _BAR / 2, _BAR / 2)
