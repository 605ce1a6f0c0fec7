"""A score that is never without its doubt: value, range in words, and the range as a bracket on a track."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from tlgui.gui.theme import color, font
from tlgui.gui.widgets.painted import Painted, dashed_rule, painter_for, rule, spoken, text_width, write
from tlgui.gui.widgets.text import Label


def draw_bracket(
    painter: QPainter, low: float, value: float, high: float, middle: float, series: str, half: float = 6.5
) -> None:
    """The interval as a bracket over a pale band, with the value as a dot (pixel positions)."""
    ink = color(series)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color(series, 0.22))
    painter.drawRect(QRectF(low, middle - half, high - low, 2 * half))
    rule(painter, ink, low, middle - half, middle + half, 2.0)
    rule(painter, ink, high, middle - half, middle + half, 2.0)
    painter.setPen(ink)
    painter.drawLine(QPointF(low, middle), QPointF(high, middle))
    # In a narrow bracket the dot shrinks, so that the ends stay visible.
    radius = 4.5 if high - low >= 14 else max(1.5, min(4.5, (high - low) / 2 - 2))
    painter.setPen(color("surface"))
    painter.setBrush(ink)
    painter.drawEllipse(QPointF(value, middle), radius, radius)


class IntervalTrack(Painted):
    """The track of a Stat: ticks, bracket, reference line with its words, end labels."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(48)
        self.setMinimumWidth(120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.value: float | None = None
        self.low = self.high = 0.0
        self.lowest, self.highest = 0.0, 1.0
        self.reference: float | None = None
        self.reference_text = self.lowest_text = self.highest_text = ""
        self.series = "s3"

    def column_of(self, value: float) -> float:
        """The pixel column of a value."""
        span = self.highest - self.lowest or 1.0
        return 1.0 + (self.width() - 3) * min(1.0, max(0.0, (value - self.lowest) / span))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws it."""
        painter, middle = painter_for(self), 14.0
        painter.setPen(color("line2"))
        painter.drawLine(QPointF(1, middle), QPointF(self.width() - 2, middle))
        for tick in range(5):
            x = self.column_of(self.lowest + (self.highest - self.lowest) * tick / 4)
            painter.drawLine(QPointF(x, middle - 3.5), QPointF(x, middle + 3.5))
        if self.value is not None:
            draw_bracket(
                painter,
                self.column_of(self.low),
                self.column_of(self.value),
                self.column_of(self.high),
                middle,
                self.series,
            )
        taken: list[tuple[float, float]] = []
        if self.reference is not None:
            self._draw_reference(painter, self.reference, taken)
        self._draw_end(painter, self.highest_text, right=True, taken=taken)
        self._draw_end(painter, self.lowest_text, right=False, taken=taken)

    def _draw_reference(self, painter: QPainter, reference: float, taken: list[tuple[float, float]]) -> None:
        x = self.column_of(reference)
        dashed_rule(painter, color("text"), x, 2, 26)
        width = min(text_width(self.reference_text, font(12)) + 2, self.width())
        left = min(max(0.0, x - width / 2), self.width() - width)
        write(painter, self.reference_text, QRectF(left, 28, width, 18), font(12), color("muted"))
        taken.append((left, left + width))

    def _draw_end(self, painter: QPainter, text: str, right: bool, taken: list[tuple[float, float]]) -> None:
        width = text_width(text, font(12)) + 2
        left = self.width() - width if right else 0.0
        if not text or any(left < end + 10 and start - 10 < left + width for start, end in taken):
            return  # the reference needs the room
        align = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        write(painter, text, QRectF(left, 28, width, 18), font(12), color("muted"), align)
        taken.append((left, left + width))


class Stat(QWidget):
    """A score with its interval.

    Args:
        label: what is measured.
        accessible: what a screen reader calls it; the label when empty.
        parent: the widget it lies in.
    """

    def __init__(self, label: str = "", accessible: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._spoken_name = accessible or label
        self._label, self._value = Label(label, "muted", elide=True), Label("", "figure")
        self._range = Label("", "muted", elide=True)
        self._note = Label("", "caption", wrap=True)
        self.track = IntervalTrack()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._label)
        row = QHBoxLayout()
        row.setSpacing(11)
        row.addWidget(self._value, 0, Qt.AlignmentFlag.AlignBaseline)
        row.addWidget(self._range, 1, Qt.AlignmentFlag.AlignBaseline)
        column.addLayout(row)
        column.addWidget(self.track)
        column.addWidget(self._note)
        self._note.hide()

    def set(
        self, value: float | None, low: float | None = None, high: float | None = None, *, text: str,
        range_text: str = "", reference: float | None = None, reference_text: str = "", lowest: float = 0.0,
        highest: float = 1.0, lowest_text: str = "", highest_text: str = "", series: str = "s3",
    ) -> None:  # fmt: skip
        """Shows a score.

        Args:
            value: the score, or None where there is none (then `text` says so and the track is empty).
            low: lower end of its interval.
            high: upper end.
            text: the value in words ("95.7 %").
            range_text: the interval in words ("92.0 to 97.7").
            reference: where the dashed line stands (majority class, chance).
            reference_text: its words.
            lowest: left end of the track.
            highest: right end of the track.
            lowest_text: label of the left end; yields when the reference needs the room.
            highest_text: label of the right end.
            series: the token of the part of the data: s1 training, s2 validation, s3 test, s4 target.
        """
        track = self.track
        track.value = value
        track.low = value if low is None and value is not None else low or 0.0
        track.high = value if high is None and value is not None else high or 0.0
        track.lowest, track.highest, track.series = lowest, highest, series
        track.reference, track.reference_text = reference, reference_text
        track.lowest_text, track.highest_text = lowest_text, highest_text
        self._value.setText(text)
        self._range.setText(range_text)
        said = ", ".join(part for part in (text, range_text, reference_text) if part)
        self.setAccessibleName(spoken(f"{self._spoken_name} {said}".strip()))
        track.setAccessibleName(self.accessibleName())
        track.update()

    def set_note(self, text: str) -> None:
        """A sentence under the track ("26 of 30 right: few images, a wide range.")."""
        self._note.setText(text)
        self._note.setVisible(bool(text))


class MiniStat(Painted):
    """The small form: value, range and a bracket on a line of 24 px."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(24)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._value: float | None = None
        self._low = self._high = 0.0
        self._lowest, self._highest = 0.0, 1.0
        self._text = self._range = ""
        self._series = "s3"

    def set(
        self, value: float | None, low: float | None = None, high: float | None = None, *, text: str,
        range_text: str = "", lowest: float = 0.0, highest: float = 1.0, series: str = "s3", name: str = "",
    ) -> None:  # fmt: skip
        """Shows a score; the arguments are those of `Stat.set`, `name` is what a screen reader calls it."""
        self._value = value
        self._low = value if low is None and value is not None else low or 0.0
        self._high = value if high is None and value is not None else high or 0.0
        self._text, self._range, self._series = text, range_text, series
        self._lowest, self._highest = lowest, highest
        said = ", ".join(part for part in (text, range_text) if part)
        self.setAccessibleName(spoken(f"{name} {said}".strip()))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """Words and 60 px of track."""
        return QSize(self._words() + 60, 24)

    def minimumSizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """The words; the track goes first where there is no room."""
        return QSize(self._words(), 24)

    def _words(self) -> int:
        return round(text_width(self._text, font(13, 600)) + text_width(self._range, font(12)) + 12)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws it."""
        painter, middle = painter_for(self), self.height() / 2
        first = text_width(self._text, font(13, 600)) + 1
        second = text_width(self._range, font(12)) + 1
        write(painter, self._text, QRectF(0, 0, first, self.height()), font(13, 600), color("text"))
        write(painter, self._range, QRectF(first + 6, 0, second, self.height()), font(12), color("muted"))
        left = first + 6 + second + 10
        width = self.width() - left - 2
        if width < 30 or self._value is None:
            return
        painter.setPen(color("line2"))
        painter.drawLine(QPointF(left, middle), QPointF(left + width, middle))

        def x(value: float) -> float:
            return left + width * min(1.0, max(0.0, (value - self._lowest) / (self._highest - self._lowest or 1.0)))

        draw_bracket(painter, x(self._low), x(self._value), x(self._high), middle, self._series, 4.5)
