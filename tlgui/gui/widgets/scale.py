"""Where one value lies on an axis with known marks, and the headroom above a score."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from tlgui.gui.theme import color, font
from tlgui.gui.widgets.painted import Painted, bar, dashed_rule, painter_for, spoken, text_width, write


class Scale(Painted):
    """An axis with the marker "yours" above it, its interval, reference marks beneath and borders between kinds.

    Args:
        name: what is measured, for a screen reader.
        marker: the word above the marker.
        parent: the widget it lies in.
    """

    def __init__(self, name: str = "", marker: str = "yours", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(54)
        self.setMinimumWidth(160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._name, self._marker = name, marker
        self._value: float | None = None
        self._low: float | None = None
        self._high: float | None = None
        self._ticks: list[tuple[float, str]] = []
        self._borders: list[tuple[float, str]] = []
        self._log = False

    def set(
        self, value: float | None, ticks: Sequence[tuple[float, str]] = (), low: float | None = None,
        high: float | None = None, borders: Sequence[tuple[float, str]] = (), log: bool = False, text: str = "",
    ) -> None:  # fmt: skip
        """Shows a value.

        Args:
            value: where "yours" stands, or None.
            ticks: (value, words) beneath the axis; the first and the last are its ends.
            low: lower end of the value's interval.
            high: upper end.
            borders: (value, words) of dashed borders.
            log: the axis grows by factors.
            text: the value in words, for a screen reader.
        """
        self._value, self._low, self._high = value, low, high
        self._ticks, self._borders, self._log = list(ticks), list(borders), log
        said = text or (f"{value:g}" if value is not None else "not known")
        around = ", ".join(words for _at, words in [*self._ticks, *self._borders] if words)
        self.setAccessibleName(spoken(f"{self._name} {said}; scale: {around}".strip()))
        self.update()

    def _x(self, value: float) -> float:
        if len(self._ticks) < 2:
            return 0.0
        first, last, here = self._ticks[0][0], self._ticks[-1][0], value
        if self._log:
            first, last, here = (math.log10(max(1e-12, one)) for one in (first, last, here))
        inside = min(1.0, max(0.0, (here - first) / (last - first or 1.0)))
        return 8.0 + (self.width() - 16) * inside

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws it."""
        painter = painter_for(self)
        top, height = 20.0, 8.0
        bar(painter, QRectF(8, top, self.width() - 16, height), color("sunken"), 2)
        if self._value is not None:
            bar(painter, QRectF(8, top, self._x(self._value) - 8, height), color("primary", 0.28), 2)
        self._draw_ticks(painter, top + height)
        taken: list[tuple[float, float]] = []
        if self._value is not None:
            self._draw_marker(painter, self._value, top + height / 2, taken)
        for at, words in self._borders:
            dashed_rule(painter, color("text"), self._x(at), top - 3, top + height + 4)
            self._above(painter, words, self._x(at), 400, "muted", taken)

    def _draw_ticks(self, painter: QPainter, bottom: float) -> None:
        taken: list[tuple[float, float]] = []
        for at, words in self._ticks:
            x = self._x(at)
            painter.setPen(color("control"))
            painter.drawLine(QPointF(x, bottom + 1), QPointF(x, bottom + 5))
            width = text_width(words, font(12)) + 2
            left = min(max(0.0, x - width / 2), self.width() - width)
            if any(left < end + 4 and start - 4 < left + width for start, end in taken):
                continue
            write(painter, words, QRectF(left, bottom + 6, width, 17), font(12), color("muted"))
            taken.append((left, left + width))

    def _draw_marker(self, painter: QPainter, value: float, middle: float, taken: list[tuple[float, float]]) -> None:
        x, ink = self._x(value), color("text")
        if self._low is not None and self._high is not None:
            painter.setPen(ink)
            bar(painter, QRectF(self._x(self._low), middle - 1, self._x(self._high) - self._x(self._low), 2), ink, 1)
        painter.setPen(color("surface"))
        painter.setBrush(ink)
        painter.drawEllipse(QPointF(x, middle), 5.5, 5.5)
        self._above(painter, self._marker, x, 600, "text", taken)

    def _above(
        self, painter: QPainter, words: str, x: float, weight: int, ink: str, taken: list[tuple[float, float]]
    ) -> None:
        chosen = font(12, weight)
        width = text_width(words, chosen) + 2
        left = min(max(0.0, x - width / 2), self.width() - width)
        for start, end in taken:
            if left < end + 8 and start - 8 < left + width:  # they would touch: stand beside it
                left = end + 8 if x >= (start + end) / 2 else start - 8 - width
        left = min(max(0.0, left), self.width() - width)
        write(painter, words, QRectF(left, 0, width, 17), chosen, color(ink))
        taken.append((left, left + width))
