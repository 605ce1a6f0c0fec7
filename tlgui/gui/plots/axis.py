"""Ticks, ranges and their words: plain arithmetic, and the painting of it."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from tlgui.gui.theme import color, font

Kind = Literal["loss", "accuracy"]

LEFT, RIGHT, TOP, BOTTOM = 46.0, 6.0, 8.0, 22.0
_START_TEXT = "start"  # what epoch 0 is called: the state after the warm start
START_WORDS = "the head fitted on frozen features, before the first epoch"
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_ROOM_PER_LABEL = 30.0


def nice_step(least: float) -> float:
    """The smallest of 1, 2, 2.5, 5 x 10^k that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in _STEPS if step * power >= least * (1 - 1e-9))


class Scale(NamedTuple):
    """From where to where values are drawn, and how far apart the lines are."""

    low: float
    high: float
    step: float

    def ticks(self) -> list[float]:
        """Where horizontal lines go."""
        first = math.ceil(self.low / self.step - 1e-6)
        last = math.floor(self.high / self.step + 1e-6)
        return [index * self.step for index in range(first, last + 1)]


def whole_scale(kind: Kind, lowest: float | None, highest: float | None) -> Scale:
    """The scale of a whole curve: losses from 0; accuracies up to 1 from a little below the lowest.

    A little room stays above, so that a dot at the very top is whole.
    """
    if kind == "loss":
        count, step = _fewest_lines(highest) if highest is not None and highest > 0 else (4, 0.25)
        return Scale(0.0, count * step * 1.03, step)
    count, step = _fewest_lines(max(0.02, 1.0 - lowest)) if lowest is not None else (5, 0.1)
    low = max(0.0, 1.0 - (count + 0.5) * step)
    return Scale(low, 1.0 + (1.0 - low) * 0.03, step)


def zoomed_scale(kind: Kind, lowest: float | None, highest: float | None) -> Scale:
    """A closer look: what is there, and a little above and below."""
    if lowest is None or highest is None:
        return whole_scale(kind, lowest, highest)
    room = max((highest - lowest) * 0.12, 0.005)
    low, high = max(0.0, lowest - room), highest + room
    return Scale(low, high, nice_step((high - low) / 4.4))


def _fewest_lines(span: float) -> tuple[int, float]:
    """How many steps of which size cover `span` with the least left over; three to six of them."""
    first = nice_step(span / 6)
    steps = [first, nice_step(first * 1.01), nice_step(nice_step(first * 1.01) * 1.01)]
    counted = [(max(1, math.ceil(span / step - 1e-9)), step) for step in steps]
    return min((pair for pair in counted if pair[0] >= 3), key=lambda pair: (round(pair[0] * pair[1], 9), pair[0]))


def value_text(kind: Kind, value: float, step: float) -> str:
    """A tick in words, with as many decimals as its distance to the next one has."""
    if kind == "accuracy":
        # "100.0 %" has no room beside the curves, and says no more than "100 %".
        return "100 %" if abs(value - 1) < 1e-9 else f"{value * 100:.{_decimals(step * 100)}f} %"
    return f"{value:.{max(2, _decimals(step))}f}" if value < 1_000 else f"{value:.3g}"


def value_words(kind: Kind, value: float) -> str:
    """A value as the legend says it: 0.213, or 94.8 %."""
    return f"{value * 100:.1f} %" if kind == "accuracy" else f"{value:.3f}" if value < 1_000 else f"{value:.3g}"


def _decimals(step: float) -> int:
    return next(places for places in range(9) if places == 8 or abs(step - round(step, places)) < step * 1e-6)


def epoch_ticks(low: float, high: float, width: float) -> list[int]:
    """Labelled epochs between two places: 1, 2, 4, 6 ... as far apart as their labels need."""
    most = max(2.0, width / _ROOM_PER_LABEL)
    step = next(size for power in range(12) for size in (10**power, 2 * 10**power, 5 * 10**power)
                if (high - low) / size <= most)  # fmt: skip
    first = math.ceil(low / step) * step
    ticks = [tick for tick in range(first, math.floor(high) + 1, step) if tick >= 1]
    one = width / (high - low)  # pixels from one epoch to the next
    if low < 1 <= high and 1 not in ticks and (step - 1) * one >= 16:
        ticks.insert(0, 1)
    if low <= 0 <= high:
        ticks = [0, *(tick for tick in ticks if tick * one >= _ROOM_PER_LABEL)]
    return ticks


def epoch_text(epoch: int) -> str:
    """A tick in words."""
    return f"{epoch:,}" if epoch else _START_TEXT


def paint_axes(painter: QPainter, area: QRectF, kind: Kind, x_range: tuple[float, float], scale: Scale) -> None:
    """Grid, base line and labels around the curves' rectangle; no box and no tick strokes."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setFont(font(11))
    height = area.height() / (scale.high - scale.low)
    grid, words = QPen(color("grid"), 1.0), QPen(color("muted"))
    base = QPen(color("line2"), 1.0)
    for tick in scale.ticks():
        y = round(area.bottom() - (tick - scale.low) * height)
        painter.setPen(grid)
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        painter.setPen(words)
        place = QRectF(area.left() - LEFT, y - 9, LEFT - 7, 18)
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(place, int(flags), value_text(kind, tick, scale.step))
    painter.setPen(base)
    painter.drawLine(QPointF(area.left(), round(area.bottom())), QPointF(area.right(), round(area.bottom())))
    painter.setPen(words)
    width = area.width() / (x_range[1] - x_range[0])
    for epoch in epoch_ticks(*x_range, area.width()):
        x = area.left() + (epoch - x_range[0]) * width
        place = QRectF(x - 40, area.bottom() + 5, 80, 16)
        painter.drawText(place, int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop), epoch_text(epoch))
