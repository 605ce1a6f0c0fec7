"""Small parts of the rail: the project's picture, the computer, a line."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tlgui.gui import theme
from tlgui.gui.icons import pixmap
from tlgui.gui.widgets import Label, plain_tooltip

PICTURE_SIDE = 32


class ProjectPicture(QWidget):
    """The first image of the project, or a plain sign while there is none."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedSize(PICTURE_SIDE, PICTURE_SIDE)
        self.wanted: tuple[Path, str] | None = None
        self._image: QImage | None = None

    def set_image(self, image: QImage | None) -> None:
        """What it shows."""
        self._image = image
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Rounded, with a faint inner edge so that a white image does not melt into the ground."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        shape = QPainterPath()
        shape.addRoundedRect(self.rect(), 6, 6)
        if self._image is None or self._image.isNull():
            painter.fillPath(shape, theme.color("sunken"))
            painter.drawPixmap(7, 7, pixmap("images", 18, "muted", self.devicePixelRatioF()))
        else:
            painter.setClipPath(shape)
            painter.drawPixmap(self.rect(), QPixmap.fromImage(self._image))
            painter.setClipping(False)
        painter.setPen(theme.color("text", 0.1))
        painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 6, 6)
        painter.end()


class DeviceWords(QWidget):
    """What computer this is; told by the engine."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 12, 4, 0)
        row.setSpacing(12)
        row.addWidget(_Chip(self), 0, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        self._words = QWidget()
        lines = QVBoxLayout(self._words)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(0)
        self._device, self._speed = Label("", "caption-strong", elide=True), Label("", "caption", wrap=True)
        lines.addWidget(self._device)
        lines.addWidget(self._speed)
        row.addWidget(self._words, 1)

    def set_words(self, device: str, speed: str) -> None:
        """The device and how fast it is."""
        shown = device or "being looked at"
        self._device.setText(device or "This computer")
        self._speed.setText(speed if device else shown)
        said = f"This computer: {shown}. {speed}".strip()
        self.setAccessibleName(said)
        self.setToolTip(plain_tooltip(said))

    def set_narrow(self, narrow: bool) -> None:
        """In the narrow rail the sign stays."""
        self._words.setVisible(not narrow)
        layout = self.layout()
        assert layout is not None
        layout.setContentsMargins(*((11, 12, 0, 0) if narrow else (12, 12, 4, 0)))


class _Chip(QWidget):
    """The sign of the computer."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedSize(18, 18)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """In the colours of now."""
        painter = QPainter(self)
        painter.drawPixmap(0, 0, pixmap("chip", 18, "muted", self.devicePixelRatioF()))
        painter.end()


class Divider(QWidget):
    """A line between steps and pages, where the narrow rail has no words to tell them apart."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedHeight(17)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """One line."""
        painter = QPainter(self)
        painter.fillRect(0, 8, self.width(), 1, theme.color("line"))
        painter.end()
