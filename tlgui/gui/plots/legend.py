"""What the lines mean and their values now, in the head of the plot's card."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from tlgui.gui.plots.axis import Kind, value_words
from tlgui.gui.plots.curve_plot import CurvePlot
from tlgui.gui.plots.curves import Style
from tlgui.gui.theme import color, font

_SAMPLE, _GAP, _BETWEEN = 26.0, 6.0, 18.0
_NARROW = 640  # pixels of a plot; below, long names would take the room of the title
_NO_VALUE = "–"
Entry = tuple[Style, str]


class Legend(QWidget):
    """Line sample, name and value of each curve: the newest value, or that of the epoch under the crosshair.

    The places are as wide as the widest value, so that nothing moves when the values change.
    """

    def __init__(self, plot: CurvePlot, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plot = plot
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        plot.refreshed.connect(self._on_changed)
        plot.window_of_epochs.pointed.connect(self._on_changed)
        plot.viewport().installEventFilter(self)
        self._on_changed()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """A plot that gets wider has room for the long names."""
        if event.type() == QEvent.Type.Resize:
            self._on_changed()
        return super().eventFilter(watched, event)

    def entries(self) -> list[Entry]:
        """Each curve's style and what is said about it."""
        return entries_of(self._plot)

    def text(self) -> str:
        """All of it as one line, as a screen reader says it."""
        return ", ".join(f"{style.name} {value}" for style, value in self.entries())

    def sizeHint(self) -> QSize:  # noqa: N802
        """Room for every entry."""
        return QSize(round(width_of(self.entries(), self._plot.kind)) + 2, 24)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draws the entries."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint(painter, QRectF(self.rect()), self.entries(), self._plot.kind)

    def _on_changed(self, _: object = None) -> None:
        if self.accessibleName() != self.text():
            self.setAccessibleName(self.text())
            self.updateGeometry()
        self.update()


def entries_of(plot: CurvePlot) -> list[Entry]:
    """What the legend of a plot says now."""
    epoch = plot.window_of_epochs.epoch
    found = []
    for curve in sorted(plot.curves, key=lambda one: one.optional):
        if curve.absent:
            continue
        if epoch is not None:
            value = curve.series.at(epoch)
        else:
            newest = curve.series.last()
            value = newest[1] if newest else None
        short = curve.style.short if plot.viewport().width() < _NARROW else ""
        style = curve.style._replace(name=short) if short else curve.style
        found.append((style, _NO_VALUE if value is None else value_words(plot.kind, value)))
    return found


def width_of(entries: Sequence[Entry], kind: Kind) -> float:
    """Pixels that the legend takes."""
    return sum(_width(entry, kind) for entry in entries) + _BETWEEN * (len(entries) - 1)


def paint(painter: QPainter, area: QRectF, entries: Sequence[Entry], kind: Kind) -> None:
    """Draws the entries from the left end of `area`."""
    left, middle = area.left(), area.center().y()
    for entry in entries:
        style, value = entry
        _paint_sample(painter, left, middle, style)
        x = left + _SAMPLE + _GAP
        painter.setFont(font(13))
        painter.setPen(color("muted"))
        flags = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        name = QFontMetricsF(font(13)).horizontalAdvance(style.name) + 1
        painter.drawText(QRectF(x, area.top(), name, area.height()), flags, style.name)
        painter.setFont(font(13, 600))
        painter.setPen(color("text"))
        painter.drawText(QRectF(x + name + _GAP, area.top(), 90, area.height()), flags, value)
        left += _width(entry, kind) + _BETWEEN


def _paint_sample(painter: QPainter, left: float, middle: float, style: Style) -> None:
    pen = QPen(color(style.tone), 2.0)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    if style.dashed:
        pen.setDashPattern(style.dashes)
    painter.setPen(pen)
    painter.drawLine(QPointF(left, middle), QPointF(left + _SAMPLE, middle))
    if style.dots:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color(style.tone))
        if style.square:
            painter.drawRect(QRectF(left + _SAMPLE / 2 - 3.2, middle - 3.2, 6.4, 6.4))
        else:
            painter.drawEllipse(QPointF(left + _SAMPLE / 2, middle), 3.4, 3.4)


def _width(entry: Entry, kind: Kind) -> float:
    style, value = entry
    bold = QFontMetricsF(font(13, 600))
    widest = max(bold.horizontalAdvance(text) for text in (value, "100.0 %" if kind == "accuracy" else "0.000"))
    return _SAMPLE + 2 * _GAP + QFontMetricsF(font(13)).horizontalAdvance(style.name) + 1 + widest
