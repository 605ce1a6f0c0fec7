"""One image as a tile that can be pressed, picked and left out."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QEnterEvent, QImage, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from tlgui.gui import icons
from tlgui.gui.theme import color, font
from tlgui.gui.widgets.painted import write
from tlgui.gui.widgets.text import plain_tooltip

_EDGE = 3  # room for the picked edge
_CAPTION = 20


class Tile(QAbstractButton):
    """A thumbnail, cropped to a square. Checked means picked (with `setCheckable(True)`).

    Args:
        size: side of the picture in logical pixels.
        name: what it shows, for a screen reader and the tooltip (the file's name).
        parent: the widget it lies in.
    """

    def __init__(self, size: int = 64, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._side, self._name, self._caption, self._reason = size, name, "", ""
        self._picture: QPixmap | None = None
        self._left_out = self._hovered = False
        self.set_name(name)

    def set_name(self, name: str) -> None:
        """What it shows."""
        self._name = name
        self._say()

    def set_image(self, image: QImage | None) -> None:
        """Shows a picture; None shows the empty tile again."""
        self._picture = None if image is None else QPixmap.fromImage(image)
        self._reason = ""
        self._say()

    def set_unreadable(self, reason: str) -> None:
        """Shows that the file cannot be read; the reason is the tooltip."""
        self._picture, self._reason = None, reason
        self._say()

    def set_caption(self, caption: str) -> None:
        """A line under the picture."""
        self._caption = caption
        self.updateGeometry()
        self.update()

    def set_left_out(self, left_out: bool) -> None:
        """Pale, with a cross."""
        self._left_out = left_out
        self._say()

    @property
    def is_left_out(self) -> bool:
        """Whether it is shown as left out."""
        return self._left_out

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """Picture, edge and caption."""
        return QSize(self._side + 2 * _EDGE, self._side + 2 * _EDGE + (_CAPTION if self._caption else 0))

    def minimumSizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """Its size."""
        return self.sizeHint()

    def _say(self) -> None:
        state = self._reason or ("left out" if self._left_out else "")
        parts = [part for part in (self._name, state) if part]
        self.setAccessibleName(", ".join(parts) or "image")
        self.setToolTip(plain_tooltip("\n".join(parts)))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws the picture in its state."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        where = QRectF(_EDGE, _EDGE, self._side, self._side)
        shape = QPainterPath()
        shape.addRoundedRect(where, 6, 6)
        painter.fillPath(shape, color("sunken"))
        if self._picture is not None:
            painter.setClipPath(shape)
            painter.setOpacity(0.38 if self._left_out else 1.0)
            painter.drawPixmap(where, self._picture, _square(self._picture))
            painter.setOpacity(1.0)
            painter.setClipping(False)
        elif self._reason:
            self._draw_icon(painter, where, "warning", 20, "warn")
        self._draw_edge(painter, where)
        if self._left_out:
            self._draw_badge(painter, where.center(), 11, "surface", "close", "text")
        if self.isChecked():
            self._draw_badge(
                painter, QPointF(where.right() - 11, where.top() + 11), 8, "primary", "check", "on_primary"
            )
        if self._caption:
            below = QRectF(0, where.bottom() + _EDGE, self.width(), _CAPTION)
            write(painter, self._caption, below, font(12), color("muted"), Qt.AlignmentFlag.AlignHCenter)

    def _draw_edge(self, painter: QPainter, where: QRectF) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.isChecked():
            painter.setPen(QPen(color("primary"), 2.5))
            painter.drawRoundedRect(where.adjusted(-1, -1, 1, 1), 7, 7)
        elif self._hovered or self.isDown():
            painter.setPen(QPen(color("control"), 2))
            painter.drawRoundedRect(where, 6, 6)
        else:
            painter.setPen(QPen(color("text", 0.1), 1))  # white images do not melt into the card
            painter.drawRoundedRect(where.adjusted(0.5, 0.5, -0.5, -0.5), 5.5, 5.5)

    def _draw_badge(self, painter: QPainter, at: QPointF, radius: int, ground: str, icon: str, ink: str) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color(ground))
        painter.drawEllipse(at, radius, radius)
        self._draw_icon(
            painter, QRectF(at.x() - radius, at.y() - radius, 2 * radius, 2 * radius), icon, radius + 3, ink
        )

    def _draw_icon(self, painter: QPainter, where: QRectF, icon: str, side: int, ink: str) -> None:
        drawn = icons.pixmap(icon, side, ink, self.devicePixelRatioF())
        painter.drawPixmap(QPointF(where.center().x() - side / 2, where.center().y() - side / 2), drawn)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802  Qt's name
        """The edge comes up."""
        self._hovered = True
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802  Qt's name
        """And goes."""
        self._hovered = False
        self.update()
        super().leaveEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  Qt's name
        """New colours are painted."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()


def _square(picture: QPixmap) -> QRectF:
    side = float(min(picture.width(), picture.height()))
    return QRectF((picture.width() - side) / 2, (picture.height() - side) / 2, side, side)
