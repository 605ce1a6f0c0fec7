"""Four small pictures of a run's images; empty tiles where the images are not to be had."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from tlgui.gui.icons import pixmap
from tlgui.gui.thumbnails import Request, ThumbnailStore
from tlgui.gui.widgets.painted import Painted
from tlgui.gui.wizard.images.pictures import paint_tile

SIDE = 35
_GAP = 2


class Mosaic(Painted):
    """Two by two tiles."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(2 * SIDE + _GAP, 2 * SIDE + _GAP)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._images: list[QImage | None] = []
        self._requests: list[Request] = []

    def ask_for(self, store: ThumbnailStore, root: Path, paths: Sequence[str]) -> None:
        """Fills itself as the pictures arrive."""
        self.forget()
        paths = paths[:4]
        self._images = [None] * len(paths)
        side = round(SIDE * self.devicePixelRatioF())
        for place, path in enumerate(paths):
            self._requests.append(store.request(root, path, side, None, partial(self._take, place), self))

    def forget(self) -> None:
        """Nothing that was asked for arrives any more."""
        for request in self._requests:
            request.cancel()
        self._requests = []

    @property
    def asked(self) -> bool:
        """Whether pictures are here or on their way."""
        return bool(self._images)

    @property
    def shown(self) -> int:
        """How many pictures are here."""
        return sum(image is not None for image in self._images)

    def _take(self, place: int, image: QImage | None, _problem: str) -> None:
        self._images[place] = image
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Tiles from the upper left."""
        painter = QPainter(self)
        for place in range(4):
            tile = QRect((place % 2) * (SIDE + _GAP), (place // 2) * (SIDE + _GAP), SIDE, SIDE)
            paint_tile(painter, tile, self._images[place] if place < len(self._images) else None)
        if not self.shown:
            sign = QRect(0, 0, 20, 20)
            sign.moveCenter(self.rect().center())
            painter.drawPixmap(sign, pixmap("images", 20, "faint", self.devicePixelRatioF()))
