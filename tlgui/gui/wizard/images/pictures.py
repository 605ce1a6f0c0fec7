"""Small pictures for views that paint themselves: asked for when they are painted, dropped when they are not needed."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from PySide6.QtCore import QObject, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPen

from tlgui.core.records import PixelRule
from tlgui.gui.icons import pixmap
from tlgui.gui.theme import color
from tlgui.gui.thumbnails import Request, ThumbnailStore

KEPT = 400  # pictures held here beside the store's own, about four screens full of them
WAITING = 160  # requests at once: what was scrolled away is given up before what is in view has to wait for it


class Pictures(QObject):
    """The pictures below one folder, by their path, at one size."""

    arrived = Signal(str)
    """A picture of that path is here, or the reason why there is none."""

    def __init__(self, store: ThumbnailStore, side: int, parent: QObject) -> None:
        super().__init__(parent)
        self._store = store
        self._side = side
        self._root: Path | None = None
        self._rule: PixelRule | None = None
        self._reading: int | None = None
        self._here: OrderedDict[str, QImage | None] = OrderedDict()
        self._before: dict[str, QImage | None] = {}  # by the rule before, shown until those by the new one are here
        self._waiting: OrderedDict[str, Request] = OrderedDict()

    def set_folder(self, root: Path | None, rule: PixelRule | None = None, reading: int | None = None) -> None:
        """Forgets the pictures of another folder, another rule or another reading, also those on their way."""
        if (root, rule, reading) != (self._root, self._rule, self._reading):
            before = dict(self._here) if (root, reading) == (self._root, self._reading) else {}
            self._root, self._rule, self._reading = root, rule, reading
            self.forget()
            self._before = before

    def forget(self) -> None:
        """Nothing that was asked for arrives any more."""
        waiting, self._waiting = self._waiting, OrderedDict()
        for request in waiting.values():
            request.cancel()
        self._here.clear()
        self._before = {}

    def picture(self, path: str, ratio: float = 1.0) -> QImage | None:
        """The picture, or None: then `arrived` says when to ask again (or it is `unreadable`)."""
        if path in self._here:
            self._here.move_to_end(path)
            return self._here[path]
        if path not in self._waiting and self._root is not None:
            self._ask(path, ratio)
        return self._here.get(path, self._before.get(path))

    def unreadable(self, path: str) -> bool:
        """Whether it is known that there is no picture."""
        return path in self._here and self._here[path] is None

    def _ask(self, path: str, ratio: float) -> None:
        if self._root is None:
            return
        while len(self._waiting) >= WAITING:
            self._waiting.popitem(last=False)[1].cancel()
        answered = False

        def receive(image: QImage | None, _problem: str) -> None:
            nonlocal answered
            answered = True
            self._waiting.pop(path, None)
            self._keep(path, image)

        request = self._store.request(self._root, path, round(self._side * ratio), self._rule, receive, self)
        if not answered:
            self._waiting[path] = request

    def _keep(self, path: str, image: QImage | None) -> None:
        self._here[path] = image
        self._before.pop(path, None)
        while len(self._here) > KEPT:
            self._here.popitem(last=False)
        self.arrived.emit(path)


def paint_tile(painter: QPainter, rect: QRect, image: QImage | None, unreadable: bool = False) -> None:
    """A square with round corners: the picture, a warning sign where there is none, or an empty place."""
    painter.save()
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    outline = QPainterPath()
    outline.addRoundedRect(QRectF(rect), 6, 6)
    painter.fillPath(outline, color("sunken"))
    if image is not None and not image.isNull():
        painter.setClipPath(outline)
        painter.drawImage(rect, image, _middle(image))
        painter.setClipping(False)
        # White pictures would melt into the card without it.
        painter.setPen(QPen(color("text", 0.1), 1))
        painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
    elif unreadable:
        sign = pixmap("warning", 18, "warn", painter.device().devicePixelRatio())
        place = QRect(0, 0, 18, 18)
        place.moveCenter(rect.center())
        painter.drawPixmap(place, sign)
    painter.restore()


def _middle(image: QImage) -> QRect:
    side = min(image.width(), image.height())
    return QRect((image.width() - side) // 2, (image.height() - side) // 2, side, side)


def paint_more(painter: QPainter, rect: QRect, text: str, lit: bool) -> None:
    """The tile that stands for those not shown: '+341'."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color("press" if lit else "sunken"))
    painter.drawRoundedRect(rect, 6, 6)
    painter.setPen(color("text" if lit else "muted"))
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
