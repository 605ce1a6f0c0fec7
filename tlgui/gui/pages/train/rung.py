"""One layer group on the ladder: lock, name, share of the parameters, and whether and how fast it learns."""

from __future__ import annotations

from typing import Literal, NamedTuple

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QVariantAnimation, Signal
from PySide6.QtGui import QContextMenuEvent, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from tlgui.core.events import GroupState
from tlgui.gui import icons, numbers
from tlgui.gui.theme import color, font, reduced_motion

State = Literal["learning", "next", "frozen"]

HEIGHT = 37
_CHANGE_MS = 160
_LEARNED = "learned"
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


class Columns(NamedTuple):
    """Where things stand in a rung of a given width, in pixels."""

    name: float
    bar: float
    share: float  # right edges
    state: float

    @classmethod
    def of(cls, width: float) -> Columns:
        """For a rung or the heading above it."""
        return cls(34.0, width - 176.0, width - 90.0, width - 12.0)


def shown_name(group: str) -> str:
    """The name of a layer group as people read it: "Blocks 1–2"."""
    return (group[:1].upper() + group[1:]).replace("-", "–")


def spoken_name(group: str) -> str:
    """The name of a layer group within a sentence: "the top", "block 5"."""
    return f"the {group}" if group in ("head", "top", "stem") else group.replace("-", "–")


class Rung(QAbstractButton):
    """A layer group; pressing it opens what can be done with it.

    Signals:
        menu_asked: it was pressed, or its menu was asked for.
        moved: an arrow key asks for another rung: -1 up, 1 down, -1000 and 1000 the ends.
    """

    menu_asked = Signal()
    moved = Signal(int)

    def __init__(self, group: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.layer_group = group
        self._share, self._state, self._rate = 0.0, "frozen", ""
        self._tint = 0.0  # how far the green of a learning rung has come in
        self._fade = QVariantAnimation(self)
        self._fade.setDuration(_CHANGE_MS)
        self._fade.valueChanged.connect(self._on_faded)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.clicked.connect(self.menu_asked)

    @property
    def state(self) -> str:
        """Whether it learns, would be next, or is frozen."""
        return self._state

    @property
    def state_text(self) -> str:
        """What stands at its right end: the learning rate in use, "learning", "learned", "next" or "frozen"."""
        return self._rate or self._state

    def show_group(self, group: GroupState, share: float, state: State, rate: float | None, over: bool = False) -> None:
        """Takes the group's state; the colour fades in where it begins or ceases to learn.

        Args:
            group: whose parameters are counted.
            share: of the network's parameters, 0 to 1.
            state: whether it learns.
            rate: at which it learns; `None` where that is unknown.
            over: training has ended: it has learned, and the last rate says nothing.
        """
        rate_text = ""
        if state == "learning":
            rate_text = _LEARNED if over else numbers.rate_in_use(rate) if rate is not None else ""
        if (share, state, rate_text) == (self._share, self._state, self._rate):
            return
        if (state == "learning") != (self._state == "learning"):
            self._begin_fade(1.0 if state == "learning" else 0.0)
        self._share, self._state, self._rate = share, state, rate_text
        self._say(group)
        self.update()

    def _say(self, group: GroupState) -> None:
        learns = f"learns at {self._rate.replace('<', 'under ')}" if self._rate else "learns"
        learns = _LEARNED if self._rate == _LEARNED else learns
        words = {"learning": learns, "next": "frozen, the next to be unfrozen", "frozen": "frozen"}[self._state]
        share = numbers.share(self._share).replace("<", "under ")
        self.setAccessibleName(f"{shown_name(self.layer_group)}, {share} of the parameters, {words}")
        self.setToolTip(f"{numbers.count(group.parameters)} parameters, {words}. Press Enter for what can be done.")

    def _begin_fade(self, end: float) -> None:
        self._fade.stop()
        if reduced_motion() or not self.isVisible():
            self._tint = end
            return
        self._fade.setStartValue(self._tint)
        self._fade.setEndValue(end)
        self._fade.start()

    def _on_faded(self, value: float) -> None:
        self._tint = value
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """As wide as the card, one height."""
        return QSize(280, HEIGHT)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Room for the figures and a short name."""
        return QSize(236, HEIGHT)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """The same as pressing it."""
        self.menu_asked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Arrows move along the ladder; Enter opens the menu as Space does."""
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_Home: -1000, Qt.Key.Key_End: 1000}
        key = Qt.Key(event.key())
        if key in steps:
            self.moved.emit(steps[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.menu_asked.emit()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Painted from the theme: a switch needs only a new picture."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Edge, lock, name, bar, share and state."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_edge(painter)
        columns = Columns.of(self.width())
        lock, tone = {"learning": ("unlock", "good"), "next": ("lock", "primary")}.get(self._state, ("lock", "muted"))
        painter.drawPixmap(11, (HEIGHT - 16) // 2, icons.pixmap(lock, 16, tone, self.devicePixelRatioF()))
        frozen = self._state == "frozen"
        self._paint_text(painter, columns, frozen)
        self._paint_bar(painter, columns)
        painter.setFont(font(13))
        painter.setPen(color("muted"))
        painter.drawText(QRectF(0, 0, columns.share, HEIGHT), _RIGHT, numbers.share(self._share))
        painter.setFont(font(13, 400 if frozen else 600))
        painter.setPen(color("muted" if frozen else tone))
        painter.drawText(QRectF(0, 0, columns.state, HEIGHT), _RIGHT, self.state_text)

    def _paint_text(self, painter: QPainter, columns: Columns, frozen: bool) -> None:
        chosen = font(13, 400 if frozen else 600)
        painter.setFont(chosen)
        painter.setPen(color("muted" if frozen else "text"))
        room = columns.bar - columns.name - 8
        name = QFontMetricsF(chosen).elidedText(shown_name(self.layer_group), Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(columns.name, 0, room + 2, HEIGHT), _LEFT, name)

    def _paint_edge(self, painter: QPainter) -> None:
        area = QRectF(self.rect()).adjusted(0.75, 0.75, -0.75, -0.75)
        fill = color("hover") if self.underMouse() and self._tint < 1.0 else color("surface")
        painter.setBrush(fill)
        pen = QPen(color("line"), 1.0)
        if self._state == "next":
            pen = QPen(color("primary"), 1.5)
            pen.setDashPattern([3.5, 2.5])
        painter.setPen(pen)
        painter.drawRoundedRect(area, 7, 7)
        if self._tint > 0.0:
            green = color("good_bg")
            green.setAlphaF(self._tint)
            painter.setBrush(green)
            painter.setPen(QPen(color("good" if self.underMouse() else "good_bg", self._tint), 1.0))
            painter.drawRoundedRect(area, 7, 7)

    def _paint_bar(self, painter: QPainter, columns: Columns) -> None:
        track = QRectF(columns.bar, HEIGHT / 2 - 2.5, 40, 5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color("line2", 0.75))
        painter.drawRoundedRect(track, 2.5, 2.5)
        if self._share > 0:
            filled = QRectF(track)
            filled.setWidth(max(2.5, track.width() * self._share))
            painter.setBrush(color("good" if self._state == "learning" else "faint"))
            painter.drawRoundedRect(filled, 2.5, 2.5)
