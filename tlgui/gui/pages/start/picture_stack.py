"""Three pictures like those that a person may have, drawn here and showing nothing real: a welcome, not a sample."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF, QRadialGradient
from PySide6.QtWidgets import QSizePolicy, QWidget

from tlgui.gui.theme import color
from tlgui.gui.widgets.painted import Painted

_TILE = 58.0
_EDGE = 4.0

# The drawings have their own colours in light and in dark, as photographs have.
_SMEAR, _CELL, _NUCLEUS = QColor("#E9DDE4"), QColor("#C9A9CE"), QColor("#5B3A9E")
_SKY, _LEAF, _VEIN = QColor("#DCE9D5"), QColor("#4E8B57"), QColor("#CFE3C6")
_PLATE, _BEAM, _CRACK = QColor("#C7CDD4"), QColor("#98A2AD"), QColor("#3B4550")


class PictureStack(Painted):
    """A fan of three drawn pictures: a cell, a leaf, a cracked plate."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Room for the turned corners."""
        return QSize(176, 84)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Outer pictures first, the middle one over them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = QPointF(self.width() / 2, self.height() / 2)
        for shift, angle, draw in ((-48.0, -8.0, _draw_plate), (48.0, 8.0, _draw_leaf), (0.0, 0.0, _draw_cell)):
            painter.save()
            painter.translate(middle + QPointF(shift, 4.0 if shift else 0.0))
            painter.rotate(angle)
            _frame(painter)
            draw(painter)
            painter.restore()


def _tile() -> QRectF:
    return QRectF(-_TILE / 2, -_TILE / 2, _TILE, _TILE)


def _frame(painter: QPainter) -> None:
    painter.setPen(QPen(color("line2"), 1))
    painter.setBrush(color("surface"))
    painter.drawRoundedRect(_tile().adjusted(-_EDGE, -_EDGE, _EDGE, _EDGE), 9, 9)
    clip = QPainterPath()
    clip.addRoundedRect(_tile(), 6, 6)
    painter.setClipPath(clip)
    painter.setPen(Qt.PenStyle.NoPen)


def _draw_cell(painter: QPainter) -> None:
    painter.fillRect(_tile(), _SMEAR)
    body = QRadialGradient(QPointF(0, 2), 25)
    body.setColorAt(0, _CELL.lighter(106))
    body.setColorAt(1, _CELL)
    painter.setBrush(body)
    painter.drawEllipse(QPointF(0, 2), 22, 20)
    painter.setBrush(_NUCLEUS)
    for x, y, radius in ((-7.0, -2.0, 8.5), (5.0, -5.0, 7.5), (4.0, 8.0, 8.0)):
        painter.drawEllipse(QPointF(x, y), radius, radius * 0.9)
    painter.setBrush(QColor(255, 255, 255, 60))
    painter.drawEllipse(QPointF(-9, -5), 3.2, 2.4)


def _draw_leaf(painter: QPainter) -> None:
    painter.fillRect(_tile(), _SKY)
    blade = QPainterPath(QPointF(-20, 20))
    blade.cubicTo(QPointF(-22, -12), QPointF(4, -24), QPointF(22, -22))
    blade.cubicTo(QPointF(24, 2), QPointF(10, 22), QPointF(-20, 20))
    painter.fillPath(blade, _LEAF)
    painter.setPen(QPen(_VEIN, 1.4))
    painter.drawLine(QPointF(-22, 22), QPointF(17, -17))
    for step in range(4):
        start = QPointF(-12 + 8 * step, 12 - 8 * step)
        painter.drawLine(start, start + QPointF(1, -9))
        painter.drawLine(start, start + QPointF(9, -1))


def _draw_plate(painter: QPainter) -> None:
    painter.fillRect(_tile(), _PLATE)
    painter.setPen(QPen(_BEAM, 1.2))
    for step in range(-2, 3):
        painter.drawLine(QPointF(step * 14 + 7, -30), QPointF(step * 14 + 7, 30))
    crack = [QPointF(-24 + 6 * step, -12 + 3 * step + 6 * math.sin(2.4 * step)) for step in range(9)]
    painter.setPen(QPen(_CRACK, 1.8))
    painter.drawPolyline(QPolygonF(crack))
    painter.drawLine(crack[4], crack[4] + QPointF(5, 12))
