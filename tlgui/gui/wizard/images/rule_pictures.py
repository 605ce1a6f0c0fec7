"""Some images as a pixel rule shows them, mapped anew while the rule is being chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from PySide6.QtCore import QRectF, QTimer
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from tlgui.core.records import PixelRule
from tlgui.gui import icons
from tlgui.gui.theme import color
from tlgui.gui.thumbnails import Request, ThumbnailStore
from tlgui.gui.widgets import plain_tooltip

COLUMNS = 3
_LEAST = 96
_SIDE = 200  # points of the longer side
_PAUSE_MS = 200  # somebody who is typing a number is not through with it


class RulePictures(QWidget):
    """A few whole pictures side by side. Until the new ones come, those by the rule before stay.

    Args:
        root: the folder.
        paths: which images, relative to it.
        store: where the pictures come from.
        parent: as always.
    """

    def __init__(self, root: Path, paths: Sequence[str], store: ThumbnailStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._root, self._store = root, store
        self._rule: PixelRule | None = None
        self._asked: list[Request] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._ask)
        self.tiles = [RulePicture(path) for path in paths]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(8)
        for place, tile in enumerate(self.tiles):
            grid.addWidget(tile, place // COLUMNS, place % COLUMNS)

    def show_rule(self, rule: PixelRule) -> None:
        """Maps the pictures by this rule: the first one at once, others after a short pause."""
        first, self._rule = self._rule is None, rule
        if first:
            self._ask()
        else:
            self._timer.start()

    def forget(self) -> None:
        """Nothing that was asked for arrives any more."""
        self._timer.stop()
        for request in self._asked:
            request.cancel()
        self._asked = []

    def _ask(self) -> None:
        self.forget()
        side = round(_SIDE * self.devicePixelRatioF())
        for tile in self.tiles:
            request = self._store.request(self._root, tile.path, side, self._rule, tile.receive, tile, whole=True)
            self._asked.append(request)


class RulePicture(QWidget):
    """One whole picture, or a sign where there is none."""

    def __init__(self, path: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self.image: QImage | None = None
        self._problem = ""
        self.setMinimumSize(_LEAST, _LEAST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._tell()

    def receive(self, image: QImage | None, problem: str) -> None:
        """The picture, or why there is none."""
        self.image, self._problem = image, problem
        self._tell()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws it."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), 6, 6)
        painter.fillPath(outline, color("sunken"))
        painter.setClipPath(outline)
        if self.image is not None:
            painter.drawImage(self._target(self.image), self.image)
        elif self._problem:
            sign = icons.pixmap("warning", 18, "warn", self.devicePixelRatioF())
            painter.drawPixmap((self.width() - 18) // 2, (self.height() - 18) // 2, sign)

    def _target(self, image: QImage) -> QRectF:
        scale = min(self.width() / image.width(), self.height() / image.height())
        box = QRectF(0, 0, image.width() * scale, image.height() * scale)
        box.moveCenter(QRectF(self.rect()).center())
        return box

    def _tell(self) -> None:
        words = f"{PurePosixPath(self.path).name} {self._problem}".strip()
        self.setAccessibleName(words)
        self.setToolTip(plain_tooltip(words))
