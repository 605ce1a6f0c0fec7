"""The pictures of the preview: the plain image, and nine varied views of it in a square."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from tlgui.gui.theme import color, font
from tlgui.gui.widgets import Painted, plain_tooltip

SHOWN = 9
_COLUMNS = 3
_LEAST = 72


class ViewTile(Painted):
    """One picture as a square with round corners, or a word where there is none.

    Args:
        name: what it shows, for a screen reader.
        parent: as always.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.image: QImage | None = None
        self.words = ""
        self.setMinimumSize(_LEAST, _LEAST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.show_image(None)

    def keep_square(self) -> None:
        """As high as it is wide, where there is room; what stands below follows at once."""
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def heightForWidth(self, width: int) -> int:  # noqa: N802  Qt's name
        """Asked by the layout of a tile that is kept square."""
        return width

    def show_image(self, image: QImage | None, words: str = "") -> None:
        """A picture; or none, with a word in its place."""
        self.image, self.words = image, words
        said = f"{self._name}: {words or 'no picture'}" if image is None else self._name
        self.setAccessibleName(said)
        self.setToolTip(plain_tooltip(said))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws it as large as a square can be."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        side = min(self.width(), self.height())
        box = QRectF(0, 0, side, side)
        box.moveCenter(QRectF(self.rect()).center())
        outline = QPainterPath()
        outline.addRoundedRect(box, 6, 6)
        painter.fillPath(outline, color("sunken"))
        if self.image is not None:
            painter.setClipPath(outline)
            painter.drawImage(box, self.image)
        elif self.words:
            painter.setPen(color("muted"))
            painter.setFont(font(12))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.words)


class ViewGrid(QWidget):
    """Nine varied views.

    Attributes:
        tiles: in their order.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tiles = [ViewTile(f"Varied view {number} of {SHOWN}") for number in range(1, SHOWN + 1)]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(6)
        for place, tile in enumerate(self.tiles):
            grid.addWidget(tile, place // _COLUMNS, place % _COLUMNS)

    def show_images(self, images: Sequence[QImage], words: str = "") -> None:
        """As many pictures as there are; a word in place of the others."""
        for place, tile in enumerate(self.tiles):
            tile.show_image(images[place] if place < len(images) else None, words)
