"""Two small pictures of old against new: over the share of a mix, and over the strength of keeping."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from tlgui.core.events import MixesTried, StrengthsTried
from tlgui.gui.numbers import percent
from tlgui.gui.plots.axis import Scale, value_text, whole_scale
from tlgui.gui.plots.curves import EARLIER_IMAGES, VALIDATION, Style
from tlgui.gui.theme import color, font
from tlgui.gui.widgets import Painted, dashed_rule, painter_for, rule, spoken, text_width, write

_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 22.0, 10.0, 38.0
_DOT, _WIDTH, _ROW = 3.2, 2.0, 17.0


class _Plot(Painted):
    """The axes that both share; accuracies go upwards."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumHeight(200)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.scale = Scale(0.0, 1.0, 0.25)

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """Less high than wide."""
        return QSize(360, 210)

    def area(self) -> QRectF:
        """Where points go, in pixels."""
        return QRectF(self.rect()).adjusted(_LEFT, _TOP, -_RIGHT, -_BOTTOM)

    def y_of(self, value: float) -> float:
        """The row of an accuracy."""
        area = self.area()
        return area.bottom() - (value - self.scale.low) / (self.scale.high - self.scale.low) * area.height()

    def paint_axes(self, painter: QPainter, ticks: Sequence[tuple[float, str]], title: str) -> None:
        """Horizontal lines with their accuracies, and what stands below."""
        area, grid = self.area(), QPen(color("grid"), 1.0)
        right, middle = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignHCenter
        for tick in self.scale.ticks():
            y = round(self.y_of(tick)) + 0.5
            painter.setPen(grid)
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            where = QRectF(0, y - 9, _LEFT - 7, 18)
            write(painter, value_text("accuracy", tick, self.scale.step), where, font(11), color("muted"), right)
        for x, text in ticks:
            write(painter, text, QRectF(x - 40, area.bottom() + 4, 80, 14), font(11), color("muted"), middle)
        write(painter, title, QRectF(0, area.bottom() + 20, self.width(), 16), font(11), color("muted"), middle)

    def paint_dot(self, painter: QPainter, style: Style, at: QPointF, size: float = _DOT) -> None:
        """A point as its part of the data is marked."""
        painter.setPen(QPen(color("surface"), 1.2))
        painter.setBrush(color(style.tone))
        if style.square:
            painter.drawRect(QRectF(at.x() - size, at.y() - size, 2 * size, 2 * size))
        else:
            painter.drawEllipse(at, size, size)


class MixPlot(_Plot):
    """Both accuracies over the share of the earlier weights, with the share that is looked at."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tried: MixesTried | None = None
        self.at = 0.0

    def show_tried(self, tried: MixesTried, at: float) -> None:
        """Shows the mixes, and marks one.

        Args:
            tried: in the order of their shares.
            at: the share that is marked.
        """
        self.tried, self.at = tried, at
        values = [value for mix in tried.mixes for value in (mix.new, mix.old) if value is not None]
        self.scale = whole_scale("accuracy", min(values, default=None), max(values, default=None))
        named = "; ".join(
            f"{percent(mix.earlier, 0)}: new {percent(mix.new)}"
            + (f", earlier {percent(mix.old)}" if mix.old is not None else "")
            for mix in tried.mixes
        )
        self.setAccessibleName(spoken(f"Accuracies by the share of the earlier weights. {named}"))
        self.update()

    def x_of(self, share: float) -> float:
        """The column of a share."""
        area = self.area()
        return area.left() + share * area.width()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws it."""
        if self.tried is None:
            return
        painter, area = painter_for(self), self.area()
        ticks = [(self.x_of(share), f"{100 * share:.0f} %") for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
        self.paint_axes(painter, ticks, "share of the earlier weights")
        rule(painter, color("primary"), self.x_of(self.at), area.top(), area.bottom(), 1.2)
        if self.tried.chosen != self.at:
            dashed_rule(painter, color("mark"), self.x_of(self.tried.chosen), area.top(), area.bottom(), 1.0)
        for style, values in (
            (EARLIER_IMAGES, [(mix.earlier, mix.old) for mix in self.tried.mixes]),
            (VALIDATION, [(mix.earlier, mix.new) for mix in self.tried.mixes]),
        ):
            points = [QPointF(self.x_of(x), self.y_of(y)) for x, y in values if y is not None]
            pen = QPen(color(style.tone), _WIDTH)
            pen.setDashPattern(style.dashes)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolyline(QPolygonF(points))
            for point, (x, _) in zip(points, [one for one in values if one[1] is not None], strict=True):
                self.paint_dot(painter, style, point, 5.0 if x == self.at else _DOT)


class TradeOffPlot(_Plot):
    """Accuracy on earlier images over that on new ones, a point for each strength; right and up is better."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tried: StrengthsTried | None = None
        self.picked: float | None = None
        self.across = Scale(0.0, 1.0, 0.25)

    def show_tried(self, tried: StrengthsTried, picked: float | None) -> None:
        """Shows the copies, and marks one of them."""
        self.tried, self.picked = tried, picked
        old = [one.old for one in tried.points if one.old is not None]
        old += [tried.old_before] if tried.old_before is not None else []
        new = [one.new for one in tried.points]
        self.scale = whole_scale("accuracy", min(old, default=None), max(old, default=None))
        self.across = whole_scale("accuracy", min(new, default=None), max(new, default=None))
        named = "; ".join(
            f"strength {one.strength:g}: new {percent(one.new)}"
            + (f", earlier {percent(one.old)}" if one.old is not None else "")
            for one in tried.points
        )
        self.setAccessibleName(spoken(f"Accuracy on earlier images over that on new ones. {named}"))
        self.update()

    def point_of(self, new: float, old: float) -> QPointF:
        """The pixel of a copy."""
        area = self.area()
        share = (new - self.across.low) / (self.across.high - self.across.low)
        return QPointF(area.left() + share * area.width(), self.y_of(old))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws it."""
        if self.tried is None:
            return
        painter, area = painter_for(self), self.area()
        ticks = [
            (self.point_of(tick, 1.0).x(), value_text("accuracy", tick, self.across.step))
            for tick in self.across.ticks()
        ]
        self.paint_axes(painter, ticks, "right: new validation images; up: earlier ones")
        if self.tried.old_before is not None:
            pen = QPen(color("text"), 1.2)
            pen.setDashPattern([3, 2])
            painter.setPen(pen)
            y = self.y_of(self.tried.old_before)
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            write(painter, "before", QRectF(area.left() + 4, y + 1, 60, _ROW), font(11), color("muted"))
        shown = [(one, self.point_of(one.new, one.old)) for one in self.tried.points if one.old is not None]
        painter.setPen(QPen(color("line2"), 1.4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF([point for _, point in shown]))
        taken: list[QRectF] = []
        # Copies that came to the same stand on one point.
        for (new, old), strengths in self.places().items():
            lit, point = self.picked in strengths, self.point_of(new, old)
            self.paint_dot(painter, EARLIER_IMAGES, point, 5.0 if lit else 3.6)
            self._write_strength(painter, ", ".join(f"{one:g}" for one in strengths), point, lit, taken)

    def places(self) -> dict[tuple[float, float], list[float]]:
        """Accuracies on new and earlier images, with the strengths that came to them."""
        found: dict[tuple[float, float], list[float]] = {}
        for one in self.tried.points if self.tried is not None else ():
            if one.old is not None:
                found.setdefault((one.new, one.old), []).append(one.strength)
        return found

    def _write_strength(
        self, painter: QPainter, text: str, point: QPointF, lit: bool, taken: list[QRectF]
    ) -> None:  # fmt: skip
        """Beside its point, where no other one stands."""
        chosen = font(12, 600 if lit else 400)
        width, room = text_width(text, chosen) + 2, QRectF(self.rect())
        places = [
            QRectF(point.x() + 7, point.y() - _ROW / 2, width, _ROW),
            QRectF(point.x() - 7 - width, point.y() - _ROW / 2, width, _ROW),
            QRectF(point.x() - width / 2, point.y() - 6 - _ROW, width, _ROW),
            QRectF(point.x() - width / 2, point.y() + 6, width, _ROW),
        ]
        free = [place for place in places if room.contains(place) and not any(place.intersects(one) for one in taken)]
        if free:
            taken.append(free[0])
            write(painter, text, free[0], chosen, color("text" if lit else "muted"))
