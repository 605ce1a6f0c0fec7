"""How bright the images of both sites are: two outlines over one axis from black to white."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from tlgui.gui.theme import color, font
from tlgui.gui.widgets import Painted, painter_for, text_width, write

_TOP, _BOTTOM, _SIDE = 22.0, 20.0, 2.0
_LINE = 2.0


class _Kind(NamedTuple):
    words: str
    token: str
    style: Qt.PenStyle


_KNOWN = _Kind("known site", "s1", Qt.PenStyle.SolidLine)
_NEW = _Kind("new site", "s4", Qt.PenStyle.DashDotLine)


class BrightnessPlot(Painted):
    """Both histograms with their legend. It is painted: 32 steps need no zoom, and a plot library takes half a second."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(132)
        self.known: Sequence[float] = ()
        self.new: Sequence[float] = ()

    def set(self, known: Sequence[float], new: Sequence[float], words: str) -> None:
        """Other histograms; `words` says them."""
        self.known, self.new = known, new
        self.setAccessibleName(words)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """As wide as there is room."""
        return QSize(360, 132)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """The legend must have room."""
        return QSize(200, 132)

    def area(self) -> QRectF:
        """Where the outlines are."""
        return QRectF(self.rect()).adjusted(_SIDE, _TOP, -_SIDE, -_BOTTOM)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws axis, outlines and legend."""
        painter, area = painter_for(self), self.area()
        painter.setPen(QPen(color("line2"), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        highest = max([*self.known, *self.new], default=0.0)
        if highest > 0:
            for kind, shares in ((_KNOWN, self.known), (_NEW, self.new)):
                self._draw(painter, kind, shares, highest)
        self._draw_legend(painter)
        below = QRectF(area.left(), area.bottom() + 2, area.width(), _BOTTOM - 2)
        write(painter, "black", below, font(11), color("muted"))
        write(
            painter, "brightness, share of the pixels", below, font(11), color("muted"), Qt.AlignmentFlag.AlignHCenter
        )
        write(painter, "white", below, font(11), color("muted"), Qt.AlignmentFlag.AlignRight)

    def _draw(self, painter: QPainter, kind: _Kind, shares: Sequence[float], highest: float) -> None:
        outline = steps(shares, self.area(), highest)
        if outline is None:
            return
        filled = QPainterPath(outline)
        filled.closeSubpath()
        painter.fillPath(filled, color(kind.token, 0.14))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(_pen(kind, color(kind.token)))
        painter.drawPath(outline)

    def _draw_legend(self, painter: QPainter) -> None:
        x = self.area().left()
        for kind in (_KNOWN, _NEW):
            painter.setPen(_pen(kind, color(kind.token)))
            painter.drawLine(QPointF(x, 9), QPointF(x + 26, 9))
            width = text_width(kind.words, font(12)) + 2
            write(painter, kind.words, QRectF(x + 32, 0, width, 18), font(12), color("text"))
            x += 32 + width + 18


def steps(shares: Sequence[float], area: QRectF, highest: float) -> QPainterPath | None:
    """The outline of a histogram, from its lower left to its lower right corner; `None` where there is nothing."""
    if not shares:
        return None
    width = area.width() / len(shares)
    path = QPainterPath(area.bottomLeft())
    for place, share in enumerate(shares):
        y = area.bottom() - share / highest * area.height()
        path.lineTo(area.left() + place * width, y)
        path.lineTo(area.left() + (place + 1) * width, y)
    path.lineTo(area.bottomRight())
    return path


def _pen(kind: _Kind, ink: QColor) -> QPen:
    pen = QPen(ink, _LINE, kind.style)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    return pen
