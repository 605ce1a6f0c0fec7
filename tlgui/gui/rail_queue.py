"""How many runs wait, in the rail; a press leads to the start page, where they stand in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from tlgui.core.run_queue import words
from tlgui.gui import theme
from tlgui.gui.icons import pixmap
from tlgui.gui.places import place
from tlgui.gui.rail_entries import RailEntry
from tlgui.gui.widgets import plain_tooltip

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench


class QueueEntry(RailEntry):
    """A clock and "2 runs wait"; hidden while none does."""

    turned_up = Signal()
    """It is there now, or gone."""
    height_when_wide = 32

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(place("start"), self.height_when_wide, parent)
        self._bench = bench
        self.said = ""
        self.hide()
        self.clicked.connect(lambda: bench.show("start"))
        bench.queue.changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        count = len(self._bench.queue.waiting)
        self.said = words(count)
        self.setAccessibleName(f"Queue: {self.said}")
        self.setToolTip(plain_tooltip(f"{self._bench.queue.sentence} Shows them on the start page."))
        self.update()
        if bool(count) == self.isHidden():
            self.setVisible(bool(count))
            self.turned_up.emit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Icon and words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect()).adjusted(0, 1, 0, -1)
        self._paint_ground(painter, rect)
        left = (self.width() - 18) / 2 if self.is_narrow else 12
        painter.drawPixmap(QPointF(left, rect.center().y() - 9), pixmap("clock", 18, "muted", self.devicePixelRatioF()))
        if not self.is_narrow:
            painter.setFont(theme.font(12))
            painter.setPen(theme.color("muted"))
            painter.drawText(QRectF(38, 0, self.width() - 44, self.height()), Qt.AlignmentFlag.AlignVCenter, self.said)
        painter.end()
