"""What stands in the rail: steps with their ring, pages with their icon; painted, pressed, and read aloud."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QEnterEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QToolTip, QWidget

from tlgui.gui import theme
from tlgui.gui.icons import pixmap
from tlgui.gui.places import Place, keys_of

StepState = Literal["done", "now", "later"]
WIDE, NARROW = 216, 60
_STATE_WORDS = {"done": "done", "now": "shown now", "later": "not done yet"}


class RailEntry(QAbstractButton):
    """A page in the rail; up and down move between entries.

    Args:
        place: the page.
        height: in pixels when the rail is wide.
    """

    def __init__(self, place: Place, height: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.place = place
        self.is_now = False
        self.is_narrow = False
        self._height = height
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def set_narrow(self, narrow: bool) -> None:
        """Icons alone, or with words."""
        self.is_narrow = narrow
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """The height is fixed, the width is the rail's."""
        return QSize(NARROW - 20, 34) if self.is_narrow else QSize(WIDE - 26, self._height)

    minimumSizeHint = sizeHint  # noqa: N815  Qt's name

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  Qt's name
        """Up and down move, Enter presses as Space does."""
        match event.key():
            case Qt.Key.Key_Up:
                self.focusPreviousChild()
            case Qt.Key.Key_Down:
                self.focusNextChild()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.click()
            case _:
                super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802  Qt's name
        """In the narrow rail the words are wanted at once."""
        super().enterEvent(event)
        if self.is_narrow:
            QToolTip.showText(self.mapToGlobal(self.rect().topRight()), self.toolTip(), self)

    def _describe(self, name: str, tip: str) -> None:
        self.setAccessibleName(name)
        # Escaped: a tooltip that looks like mark-up would be drawn as such.
        escaped = tip.replace("&", "&amp;").replace("<", "&lt;")
        keys = keys_of(f"go:{self.place.name}")
        self.setToolTip(f"<qt>{escaped} ({keys})</qt>")

    def _paint_ground(self, painter: QPainter, rect: QRectF) -> None:
        if self.is_now or self.underMouse() or self.isDown():
            name = "tint" if self.is_now else "press" if self.isDown() else "hover"
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color(name))
            painter.drawRoundedRect(rect, 8, 8)


class StepEntry(RailEntry):
    """A step of the wizard: a ring with number or tick, the name, and beneath it what was chosen.

    Args:
        number: of the step, from 1.
        is_last: no line goes on from it.
    """

    def __init__(self, place: Place, number: int, is_last: bool, parent: QWidget) -> None:
        super().__init__(place, 46, parent)
        self._number = number
        self._is_last = is_last
        self.state: StepState = "later"
        self.caption = ""
        self.set_step("later", "", False)

    def set_step(self, state: StepState, caption: str, is_now: bool) -> None:
        """What it shows."""
        if (state, caption, is_now) == (self.state, self.caption, self.is_now) and self.accessibleName():
            return  # told anew thirty times a second while a run goes on
        self.state, self.caption, self.is_now = state, caption, is_now
        chosen = f": {caption}" if caption else ""
        words = "shown now" if is_now else _STATE_WORDS[state]
        self._describe(
            f"{self.place.label}, step {self._number} of 4, {words}{chosen}",
            f"{self.place.label}{chosen or ': ' + self.place.about[0].lower() + self.place.about[1:]}",
        )
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Ring, line, words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.height() / 2
        self._paint_ground(painter, QRectF(self.rect()).adjusted(0, 1, 0, -1))
        centre = QPointF(self.width() / 2 if self.is_narrow else 24, middle)
        if not self.is_narrow:
            self._paint_line(painter, centre)
        self._paint_ring(painter, centre)
        if not self.is_narrow:
            self._paint_words(painter)
        painter.end()

    def _paint_line(self, painter: QPainter, centre: QPointF) -> None:
        painter.setPen(QPen(theme.color("line2"), 2))
        if self._number > 1:
            painter.drawLine(QPointF(centre.x(), 0), QPointF(centre.x(), centre.y() - 15))
        if not self._is_last:
            painter.drawLine(QPointF(centre.x(), centre.y() + 15), QPointF(centre.x(), self.height()))

    def _paint_ring(self, painter: QPainter, centre: QPointF) -> None:
        done = self.state == "done"
        filled = self.is_now and not done
        painter.setPen(QPen(theme.color("primary" if self.is_now else "line2"), 1.5))
        painter.setBrush(theme.color("primary" if filled else "surface"))
        painter.drawEllipse(centre, 10, 10)
        if done:
            ratio = self.devicePixelRatioF()
            painter.drawPixmap(centre - QPointF(6, 6), pixmap("check", 12, "good", ratio))
            return
        painter.setPen(theme.color("on_primary" if filled else "muted"))
        painter.setFont(theme.font(12, 600))
        painter.drawText(
            QRectF(centre.x() - 10, centre.y() - 10, 20, 20), Qt.AlignmentFlag.AlignCenter, str(self._number)
        )

    def _paint_words(self, painter: QPainter) -> None:
        area = self.rect().adjusted(44, 0, -8, 0)
        title, caption = QRect(area), QRect(area)
        middle = self.height() // 2
        title.setBottom(middle)
        caption.setTop(middle)
        colour = "primary" if self.is_now else "muted" if self.state == "later" else "text"
        painter.setFont(theme.font(13, 600 if self.is_now else 500))
        painter.setPen(theme.color(colour))
        if not self.caption:
            title.setBottom(self.height())
            painter.drawText(title, Qt.AlignmentFlag.AlignVCenter, self.place.label)
            return
        painter.drawText(title, Qt.AlignmentFlag.AlignBottom, self.place.label)
        painter.setFont(theme.font(12))
        painter.setPen(theme.color("muted"))
        elided = painter.fontMetrics().elidedText(self.caption, Qt.TextElideMode.ElideRight, caption.width())
        painter.drawText(caption, Qt.AlignmentFlag.AlignTop, elided)


class PageEntry(RailEntry):
    """A page of the run: icon, name, and at its right a short figure such as "14 / 20", or a tick after the end."""

    def __init__(self, place: Place, parent: QWidget) -> None:
        super().__init__(place, 36, parent)
        self.badge = ""
        self.is_done = False
        self._is_at_work = False
        self._told: tuple[object, ...] = ()
        self.set_page(False, "", "")

    def set_at_work(self, at_work: bool) -> None:
        """Whether something goes on there now; the narrow rail shows a dot."""
        if at_work != self._is_at_work:
            self._is_at_work = at_work
            self.update()

    def set_page(self, is_now: bool, badge: str, words: str, is_done: bool = False) -> None:
        """What it shows.

        Args:
            is_now: whether the page is shown.
            badge: the figure.
            words: the same for those who hear it.
            is_done: a tick stands in place of the figure.
        """
        told = (is_now, badge, words, is_done)
        if told == self._told:
            return  # told anew thirty times a second while a run goes on
        self._told = told
        self.is_now, self.badge, self.is_done = is_now, "" if is_done else badge, is_done
        said = f", {words}" if words else ""
        self._describe(
            f"{self.place.label}{', shown now' if is_now else ''}{said}",
            f"{self.place.label}: {self.place.about}{said}",
        )
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Ground, icon, words, figure."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect()).adjusted(0, 1, 0, -1)
        self._paint_ground(painter, rect)
        colour = "primary" if self.is_now else "muted"
        ratio = self.devicePixelRatioF()
        left = (self.width() - 18) / 2 if self.is_narrow else 15
        painter.drawPixmap(QPointF(left, rect.center().y() - 9), pixmap(self.place.icon, 18, colour, ratio))
        if self.is_done:
            self._paint_tick(painter, ratio)
        if not self.is_narrow:
            right = self._paint_badge(painter) if self.badge else self.width() - (36 if self.is_done else 8)
            painter.setFont(theme.font(13, 600 if self.is_now else 500))
            painter.setPen(theme.color(colour))
            painter.drawText(QRectF(44, 0, right - 50, self.height()), Qt.AlignmentFlag.AlignVCenter, self.place.label)
        elif self._is_at_work:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("primary"))
            painter.drawEllipse(QPointF(self.width() - 8, 9), 3, 3)
        painter.end()

    def _paint_tick(self, painter: QPainter, ratio: float) -> None:
        if not self.is_narrow:
            painter.drawPixmap(QPointF(self.width() - 30, self.height() / 2 - 7), pixmap("check", 14, "good", ratio))
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("good_bg"))
        painter.drawEllipse(QPointF(self.width() - 9, 10), 7, 7)
        painter.drawPixmap(QPointF(self.width() - 14, 5), pixmap("check", 10, "good", ratio))

    def _paint_badge(self, painter: QPainter) -> float:
        painter.setFont(theme.font(12, 600))
        width = painter.fontMetrics().horizontalAdvance(self.badge) + 16
        box = QRectF(self.width() - width - 8, self.height() / 2 - 9, width, 18)
        painter.setPen(QPen(theme.color("tint_line"), 1))
        painter.setBrush(theme.color("surface"))
        painter.drawRoundedRect(box, 9, 9)
        painter.setPen(theme.color("primary" if self.is_now else "muted"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.badge)
        return box.left()
