"""The loss over rising learning rates, with the suggested one and the one in use marked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QGraphicsView, QSizePolicy, QWidget

from tlgui.core.events import RateFound
from tlgui.gui.numbers import rate
from tlgui.gui.plots.axis import Scale, nice_step, value_text
from tlgui.gui.theme import color, font, theme
from tlgui.gui.widgets.painted import dashed_rule, rule, spoken, text_width, write

_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 10.0, 22.0, 40.0
_WIDTH = 2.2
_TITLE = "learning rate, each line ten times the one before"
# Where the loss runs away at large rates, more than so many times the first one tells nothing.
_HIGHEST = 2.0


class RatePlot(pg.GraphicsView):  # type: ignore[misc]
    """One curve over a logarithmic axis, painted as the curves of a run are."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=None)
        self.found: RateFound | None = None
        self.x_range, self.scale = (-6.0, 0.0), Scale(0.0, 1.0, 0.25)
        box = self.box = pg.ViewBox(enableMenu=False, enableMouse=False, defaultPadding=0)
        box.disableAutoRange()
        self.addItem(box)
        self._line = pg.PlotCurveItem(antialias=True, connect="finite")
        box.addItem(self._line, ignoreBounds=True)
        self.setCacheMode(self.CacheModeFlag.CacheNone)
        self.setViewportUpdateMode(self.ViewportUpdateMode.FullViewportUpdate)
        self.setFrameShape(self.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(240)
        theme().changed.connect(self._restyle)
        self._restyle()

    def show_found(self, found: RateFound) -> None:
        """Another curve."""
        self.found = found
        self.x_range = _decades(found.rates)
        self.scale = _scale_of(found.losses)
        x = np.array([math.log10(value) for value in found.rates])
        y = np.array([math.nan if value is None else value for value in found.losses])
        self._line.setData(x, np.minimum(y, self.scale.high * 2))
        self.box.setRange(
            xRange=self.x_range, yRange=(self.scale.low, self.scale.high), padding=0, disableAutoRange=True
        )
        where = f", suggested {rate(found.suggested)}" if found.suggested is not None else ", none suggested"
        self.setAccessibleName(spoken(f"Loss by learning rate{where}, in use {rate(found.in_use)}"))
        self.viewport().update()

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """Less than the 640 x 480 that pyqtgraph would ask for."""
        return QSize(520, 260)

    def area(self) -> QRectF:
        """The rectangle of the curve, in the view's pixels."""
        return QRectF(self.viewport().rect()).adjusted(_LEFT, _TOP, -_RIGHT, -_BOTTOM)

    def x_of(self, value: float) -> float:
        """The pixel of a learning rate."""
        area, (low, high) = self.area(), self.x_range
        return area.left() + (math.log10(value) - low) / (high - low) * area.width()

    def drawBackground(self, painter: QPainter, rect: QRectF) -> None:  # noqa: N802  Qt's name
        """Grid and labels."""
        area = self.area()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setFont(font(11))
        grid, words = QPen(color("grid"), 1.0), QPen(color("muted"))
        height = area.height() / (self.scale.high - self.scale.low)
        for tick in self.scale.ticks():
            y = round(area.bottom() - (tick - self.scale.low) * height)
            painter.setPen(grid)
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(words)
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, y - 9, _LEFT - 7, 18), int(flags), value_text("loss", tick, self.scale.step))
        for power in range(round(self.x_range[0]), round(self.x_range[1]) + 1):
            x = round(self.x_of(10.0**power))
            painter.setPen(grid)
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            painter.setPen(words)
            painter.drawText(
                QRectF(x - 40, area.bottom() + 4, 80, 16), int(Qt.AlignmentFlag.AlignHCenter), tick_text(power)
            )
        painter.drawText(
            QRectF(area.left(), area.bottom() + 21, area.width(), 16), int(Qt.AlignmentFlag.AlignHCenter), _TITLE
        )

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:  # noqa: N802  Qt's name
        """The rate in use, dashed, and the suggested one."""
        if self.found is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        taken: tuple[float, float] | None = None
        if self.found.suggested is not None:
            taken = self._mark(painter, self.found.suggested, f"suggested {rate(self.found.suggested)}", True, None)
        self._mark(painter, self.found.in_use, f"in use {rate(self.found.in_use)}", False, taken)

    def _mark(
        self, painter: QPainter, value: float, words: str, strong: bool, taken: tuple[float, float] | None
    ) -> tuple[float, float] | None:
        area = self.area()
        x = self.x_of(value)
        if not area.left() <= x <= area.right():
            return taken
        ink = color("primary" if strong else "muted")
        (rule if strong else dashed_rule)(painter, ink, x, area.top(), area.bottom())
        chosen = font(12, 600 if strong else 400)
        width = text_width(words, chosen) + 4
        left = min(max(0.0, x - width / 2), self.viewport().width() - width)
        if taken is not None and left < taken[1] + 6 and taken[0] - 6 < left + width:
            beside = taken[1] + 6 if x >= (taken[0] + taken[1]) / 2 else taken[0] - 6 - width
            left = min(max(0.0, beside), self.viewport().width() - width)
        write(painter, words, QRectF(left, 2, width, 17), chosen, ink)
        return left, left + width

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802  Qt's name
        """The curve stands in the middle, labels around it."""
        super().resizeEvent(event)
        if hasattr(self, "box"):
            self.box.setGeometry(self.area())

    def close(self) -> bool:
        """Closes like any widget: pyqtgraph's own would take the scene away under items that Qt still asks for."""
        return bool(QGraphicsView.close(self))

    def _restyle(self) -> None:
        self._line.setPen(pg.mkPen(color("s1"), width=_WIDTH * self.devicePixelRatioF()))
        self.viewport().update()


def tick_text(power: int) -> str:
    """-3 -> "0.001", 0 -> "1"."""
    return f"{10.0**power:.{max(0, -power)}f}"


def _decades(rates: Sequence[float]) -> tuple[float, float]:
    """From the power of ten below the first rate to the one above the last."""
    low, high = math.floor(math.log10(min(rates)) + 1e-9), math.ceil(math.log10(max(rates)) - 1e-9)
    return float(low), float(max(high, low + 1))


def _scale_of(losses: Sequence[float | None]) -> Scale:
    values = [value for value in losses if value is not None]
    if not values:
        return Scale(0.0, 1.0, 0.25)
    low, high = min(values), min(max(values), _HIGHEST * values[0])
    room = max(0.08 * (high - low), 1e-3)
    low, high = max(0.0, low - room), high + room
    return Scale(low, high, nice_step((high - low) / 4.4))
