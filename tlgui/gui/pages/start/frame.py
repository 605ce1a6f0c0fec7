"""The start page's own bars: the name and its sign above, the computer and the caution below."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from tlgui.gui.icons import pixmap
from tlgui.gui.theme import color
from tlgui.gui.widgets import Label
from tlgui.gui.widgets.painted import Painted

CAUTION = "For research and teaching. Not a medical device."


class Logo(Painted):
    """Layers, the upper ones brighter: those that learn."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802
        """A small square."""
        return QSize(28, 28)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Three bars on the primary colour."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color("primary"))
        painter.drawRoundedRect(QRectF(0, 0, 28, 28), 7, 7)
        for place, strength in enumerate((1.0, 0.85, 0.5)):
            painter.setBrush(color("on_primary", strength))
            painter.drawRoundedRect(QRectF(7, 7 + 5.5 * place, 14, 3.4), 1.7, 1.7)


class TopBar(QWidget):
    """Logo and name; `buttons` takes what stands on the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(28, 14, 24, 10)
        layout.setSpacing(10)
        layout.addWidget(Logo())
        layout.addWidget(Label("tlgui", "card-title"))
        layout.addStretch(1)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(6)
        layout.addLayout(self.buttons)


class BottomBar(QFrame):
    """The device sentence on the left, the caution on the right; the former yields to a narrow window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "foot")
        self.device = Label("", "caption", elide=True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(28, 12, 28, 12)
        layout.setSpacing(9)
        layout.addWidget(_ChipSign())
        layout.addWidget(self.device, 1)
        layout.addWidget(Label(CAUTION, "caption"))

    def set_device(self, sentence: str) -> None:
        """What is known of this computer."""
        self.device.setText(sentence)


class _ChipSign(Painted):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(18, 18)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        QPainter(self).drawPixmap(0, 0, pixmap("chip", 18, "muted", self.devicePixelRatioF()))
