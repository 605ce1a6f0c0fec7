"""The large view: one image after another, with what the model said of it, moved by keys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from tlgui.core.records import PixelRule
from tlgui.gui import numbers
from tlgui.gui.theme import color, font
from tlgui.gui.thumbnails import Request, ThumbnailStore
from tlgui.gui.widgets import Button, Label

_LONGEST = 1600
_STEP = 1.25
_MOST_ZOOM = 16.0


class Shown(NamedTuple):
    """One image of the large view.

    Attributes:
        path: relative to the folder.
        title: what stands beneath it in bold, such as "Really WBC, the model said RBC".
        text: the rest, such as "98 % sure".
        name: what the file is called on the screen; "" means `path`.
    """

    path: str
    title: str
    text: str = ""
    name: str = ""


class ImageViewer(QDialog):
    """Images of one folder, one at a time.

    Left and Right (also Page Up, Page Down, Home, End) move; plus, minus and 0 zoom, the mouse drags; Escape closes.
    """

    def __init__(
        self,
        title: str,
        root: Path | None,
        images: Sequence[Shown],
        store: ThumbnailStore,
        rule: PixelRule | None,
        at: int = 0,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._root, self._images, self._store, self._rule = root, list(images), store, rule
        self._at = max(0, min(at, len(self._images) - 1))
        self._asked: Request | None = None
        self.canvas = Canvas(self)
        self._place = Label("", kind="muted")
        self._title = Label("", kind="strong", wrap=True)
        self._text = Label("", kind="muted", wrap=True)
        self._path = Label("", kind="mono", elide=True)
        self._before = Button("Previous", icon="back")
        self._before.setToolTip("The image before (Left arrow)")
        self._before.clicked.connect(lambda: self.move_by(-1))
        self._next = Button("Next", icon="forward")
        self._next.setToolTip("The next image (Right arrow)")
        self._next.clicked.connect(lambda: self.move_by(1))
        self._close = Button("Close")
        self._close.setToolTip("Close the large view (Esc)")
        self._close.clicked.connect(self.close)
        self._arrange()
        self.resize(self._comfortable())
        self._show()

    @property
    def at(self) -> int:
        """Which image is shown, from 0."""
        return self._at

    def move_by(self, steps: int) -> None:
        """Shows another image; at both ends it stays."""
        self._go(self._at + steps)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """The keys that the class names."""
        last = len(self._images) - 1
        match event.key():
            case Qt.Key.Key_Left | Qt.Key.Key_PageUp | Qt.Key.Key_Up:
                self.move_by(-1)
            case Qt.Key.Key_Right | Qt.Key.Key_PageDown | Qt.Key.Key_Down | Qt.Key.Key_Space:
                self.move_by(1)
            case Qt.Key.Key_Home:
                self._go(0)
            case Qt.Key.Key_End:
                self._go(last)
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self.canvas.zoom_by(_STEP)
            case Qt.Key.Key_Minus:
                self.canvas.zoom_by(1 / _STEP)
            case Qt.Key.Key_0:
                self.canvas.fit()
            case _:
                super().keyPressEvent(event)

    def _arrange(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._title)
        words.addWidget(self._text)
        words.addWidget(self._path)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addLayout(words, 1)
        foot.addWidget(self._place)
        foot.addSpacing(8)
        for button in (self._before, self._next, self._close):
            button.setAutoDefault(False)
            foot.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        column.addWidget(self.canvas, 1)
        column.addLayout(foot)

    def _go(self, at: int) -> None:
        at = max(0, min(at, len(self._images) - 1))
        if at != self._at:
            self._at = at
            self._show()

    def _show(self) -> None:
        if not self._images:
            self.canvas.say("There are no images in this cell.")
            self._before.setEnabled(False)
            self._next.setEnabled(False)
            return
        image = self._images[self._at]
        self._title.setText(image.title)
        self._text.setText(image.text)
        self._path.setText(image.name or image.path)
        self._place.setText(f"{numbers.count(self._at + 1)} of {numbers.count(len(self._images))}")
        self._before.setEnabled(self._at > 0)
        self._next.setEnabled(self._at < len(self._images) - 1)
        self.canvas.setAccessibleName(f"{image.title}. {image.text} {image.name or image.path}")
        if self._root is None:
            self.canvas.say("The images of this run are not where they were.")
            return
        self.canvas.say("Reading…")
        at = self._at
        if self._asked is not None:
            # Somebody who holds the key down passes over many: those are not read any more.
            self._asked.cancel()

        def receive(picture: QImage | None, problem: str) -> None:
            # Somebody who moves on quickly must not see an image under another one's words.
            if at == self._at:
                self.canvas.set_image(picture) if picture is not None else self.canvas.say(problem)

        self._asked = self._store.request(self._root, image.path, _LONGEST, self._rule, receive, self, whole=True)

    def _comfortable(self) -> QSize:
        above = self.parentWidget()
        room = above.window().size() if above is not None else QSize(1024, 700)
        return QSize(min(1100, room.width() - 40), min(820, room.height() - 40))


class Canvas(QWidget):
    """One image, fitted into the room there is; zoomed by wheel and keys, moved by dragging."""

    zoomed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._words = ""
        self._zoom = 1.0
        self._shift = QPointF()
        self._grip: QPointF | None = None
        self.setMinimumSize(240, 180)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @property
    def image(self) -> QImage | None:
        """The image that is shown."""
        return self._image

    def set_image(self, image: QImage) -> None:
        """Shows an image, fitted."""
        self._image, self._words = image, ""
        self.fit()

    def say(self, words: str) -> None:
        """Shows a sentence in place of an image."""
        self._image, self._words = None, words
        self.update()

    def fit(self) -> None:
        """The whole image again."""
        self._zoom, self._shift = 1.0, QPointF()
        self.update()

    def zoom_by(self, factor: float) -> None:
        """Larger or smaller, never smaller than fitted."""
        self._zoom = max(1.0, min(self._zoom * factor, _MOST_ZOOM))
        self._shift = self._shift if self._zoom > 1 else QPointF()
        self.zoomed.emit(self._zoom)
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 (Qt's name)
        """The wheel zooms."""
        self.zoom_by(_STEP if event.angleDelta().y() > 0 else 1 / _STEP)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Takes hold of the image."""
        self._grip = event.position() - self._shift

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Drags it."""
        if self._grip is not None and self._zoom > 1:
            self._shift = event.position() - self._grip
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Lets go."""
        self._grip = None

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """The image, or the sentence."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), color("sunken"))
        if self._image is None:
            painter.setPen(color("muted"))
            painter.setFont(font(14))
            box = self.rect().adjusted(24, 24, -24, -24)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._words)
            return
        painter.drawImage(self._target(self._image), self._image)

    def _target(self, image: QImage) -> QRectF:
        room = QRectF(self.rect())
        scale = min(room.width() / image.width(), room.height() / image.height())
        # A tiny image is enlarged, but not to a blur that says nothing.
        scale = min(scale, 8.0) * self._zoom
        box = QRectF(0, 0, image.width() * scale, image.height() * scale)
        box.moveCenter(room.center() + self._shift)
        return box
