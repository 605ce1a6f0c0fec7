"""What all painted widgets share: they ask the theme while painting, so a new scheme needs one repaint."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QWidget


class Painted(QWidget):
    """A widget that paints itself from the theme."""

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  Qt's name
        """New colours are painted."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()


def painter_for(widget: QWidget) -> QPainter:
    """An antialiased painter without pen and brush."""
    painter = QPainter(widget)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    return painter


def write(
    painter: QPainter, text: str, where: QRectF, font: QFont, ink: QColor,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft, elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
) -> None:  # fmt: skip
    """Writes one line of plain text, cut to the room it has."""
    painter.setFont(font)
    painter.setPen(ink)
    shown = QFontMetricsF(font).elidedText(text, elide, where.width() + 0.5)
    flags = int(align) | int(Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextSingleLine)
    painter.drawText(where, flags, shown)


def text_width(text: str, font: QFont) -> float:
    """The width of one line."""
    return QFontMetricsF(font).horizontalAdvance(text)


def rule(painter: QPainter, ink: QColor, x: float, top: float, bottom: float, width: float = 1.5) -> None:
    """A solid vertical line."""
    pen = QPen(ink, width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setPen(pen)
    painter.drawLine(QRectF(x, top, 0, bottom - top).topLeft(), QRectF(x, top, 0, bottom - top).bottomLeft())


def dashed_rule(painter: QPainter, ink: QColor, x: float, top: float, bottom: float, width: float = 1.5) -> None:
    """A dashed vertical line: a border or another reference that is no part of the data."""
    pen = QPen(ink, width)
    pen.setDashPattern([3, 2])
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setPen(pen)
    painter.drawLine(QRectF(x, top, 0, bottom - top).topLeft(), QRectF(x, top, 0, bottom - top).bottomLeft())


def bar(painter: QPainter, where: QRectF, brush: QBrush | QColor, radius: float = 3.0) -> None:
    """A filled bar with round ends."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(brush)
    radius = min(radius, where.width() / 2, where.height() / 2)
    painter.drawRoundedRect(where, radius, radius)


def spoken(text: str) -> str:
    """The text for a screen reader: "95.7 %" becomes "95.7 percent"."""
    return text.replace(" %", " percent").replace("≈", "about")
