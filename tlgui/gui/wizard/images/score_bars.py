"""Two scores of the same model, each a bar with its interval."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from tlgui.core.events import SplitsCompared
from tlgui.gui.numbers import interval, percent
from tlgui.gui.theme import color, font
from tlgui.gui.widgets import Painted, bar, painter_for, spoken, write

_ROW = 44
_WORDS, _BAR = 18, 12
_NAIVE, _SAFE = "Split without regard to what belongs together", "Each group on one side of the split"


class ScoreBars(Painted):
    """Naive above, safe beneath, on one scale from 0 to 100 %."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, float, float, float, str]] = []
        self.setFixedHeight(2 * _ROW)
        self.setMinimumWidth(240)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_scores(self, found: SplitsCompared) -> None:
        """Other scores."""
        self._rows = [
            (_NAIVE, found.naive, found.naive_low, found.naive_high, "muted"),
            (_SAFE, found.safe, found.safe_low, found.safe_high, "primary"),
        ]
        said = [f"{name}: {_value(value, low, high)}" for name, value, low, high, _ink in self._rows]
        self.setAccessibleName(spoken("; ".join(said)))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """The two rows."""
        painter = painter_for(self)
        for place, row in enumerate(self._rows):
            self._draw(painter, place * _ROW, *row)

    def _draw(self, painter: QPainter, top: float, name: str, value: float, low: float, high: float, ink: str) -> None:
        width = float(self.width())
        write(painter, name, QRectF(0, top, width * 0.62, _WORDS), font(12), color("muted"))
        where = QRectF(width * 0.62, top, width * 0.38, _WORDS)
        write(painter, _value(value, low, high), where, font(12, 600), color("text"), Qt.AlignmentFlag.AlignRight)
        track = top + _WORDS + 2
        bar(painter, QRectF(0, track, width, _BAR), color("sunken"), 3)
        bar(painter, QRectF(0, track, max(2.0, width * _inside(value)), _BAR), color(ink, 0.55), 3)
        left, right = width * _inside(low), width * _inside(high)
        middle = track + _BAR / 2
        bar(painter, QRectF(left, middle - 1, max(2.0, right - left), 2), color("text"), 1)
        for end in (left, right):
            bar(painter, QRectF(min(max(0.0, end - 0.75), width - 1.5), middle - 4, 1.5, 8), color("text"), 0.5)


def _value(value: float, low: float, high: float) -> str:
    return f"{percent(value)} ({interval(low, high)})"


def _inside(share: float) -> float:
    return min(1.0, max(0.0, share))
