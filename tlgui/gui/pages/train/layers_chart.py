"""How much each layer group tells about the classes: one bar with its interval each, from the answer down to the pixels."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from tlgui.core.events import GroupScore, LayersProbed
from tlgui.gui.numbers import interval, percent
from tlgui.gui.theme import color, font
from tlgui.gui.widgets import Painted, bar, painter_for, spoken, write
from tlgui.gui.widgets.painted import dashed_rule, text_width

_ROW, _BAR, _EDGE = 30, 12, 20
_VALUE = 150.0
NEAR_ANSWER, NEAR_PIXELS = "near the answer", "near the pixels"


class LayersChart(Painted):
    """The uppermost group stands at the top, as on the ladder; a dashed line says what guessing reaches."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[GroupScore] = []
        self._guess = 0.0
        self.setMinimumWidth(420)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(2 * _EDGE)

    def show_scores(self, found: LayersProbed) -> None:
        """Other scores."""
        self.rows = list(reversed(found.groups))
        self._guess = found.largest_class
        self.setFixedHeight(2 * _EDGE + _ROW * len(self.rows))
        said = [f"{row.name}: {_value(row)}" for row in self.rows]
        guess = f"guessing reaches {percent(self._guess, 0)}"
        self.setAccessibleName(spoken(f"From {NEAR_ANSWER} to {NEAR_PIXELS}. {'; '.join(said)}; {guess}"))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Rows, the line of guessing, and what the two ends mean."""
        painter = painter_for(self)
        muted = color("muted")
        names = max((text_width(row.name, font(12)) for row in self.rows), default=0.0) + 12
        left = min(names, 0.3 * self.width())
        width = max(40.0, self.width() - left - _VALUE)
        ends = text_width(NEAR_ANSWER, font(12)) + 12
        write(painter, NEAR_ANSWER, QRectF(0, 0, ends, _EDGE), font(12), muted)
        bottom = _EDGE + _ROW * len(self.rows)
        write(painter, NEAR_PIXELS, QRectF(0, bottom, left + width, _EDGE), font(12), muted)
        for place, row in enumerate(self.rows):
            self._draw(painter, row, _EDGE + place * _ROW, left, width)
        x = left + width * self._guess
        dashed_rule(painter, color("text"), x, _EDGE, bottom)
        words = f"guessing: {percent(self._guess, 0)}"
        room = text_width(words, font(12)) + 4
        at = min(max(ends, x - room / 2), self.width() - room)
        write(painter, words, QRectF(at, 0, room, _EDGE), font(12), muted)

    def _draw(self, painter: QPainter, row: GroupScore, top: float, left: float, width: float) -> None:
        middle = top + _ROW / 2
        write(painter, row.name, QRectF(0, top, left - 8, _ROW), font(12), color("text"))
        bar(painter, QRectF(left, middle - _BAR / 2, width, _BAR), color("sunken"), 3)
        bar(painter, QRectF(left, middle - _BAR / 2, max(2.0, width * row.accuracy), _BAR), color("primary", 0.55), 3)
        low, high = left + width * row.low, left + width * row.high
        bar(painter, QRectF(low, middle - 1, max(2.0, high - low), 2), color("text"), 1)
        for end in (low, high):
            bar(painter, QRectF(end - 0.75, middle - 4, 1.5, 8), color("text"), 0.5)
        where = QRectF(left + width + 8, top, _VALUE - 8, _ROW)
        write(painter, _value(row), where, font(12, 600), color("text"), Qt.AlignmentFlag.AlignRight)


def _value(row: GroupScore) -> str:
    return f"{percent(row.accuracy, 0)} ({interval(row.low, row.high, 0)})"
