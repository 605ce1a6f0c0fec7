"""What will stand here, and when."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from tlgui.gui import icons
from tlgui.gui.theme import color
from tlgui.gui.widgets.button import Button
from tlgui.gui.widgets.card import Card
from tlgui.gui.widgets.text import Label

_CENTRE = Qt.AlignmentFlag.AlignHCenter
_WORDS_WIDTH = 460
_AIR = 28  # above and below


class IconTile(QWidget):
    """An icon on a 36 px rounded square.

    Args:
        icon: a name from `icons`.
        tone: "neutral" (muted on sunken) or "info" (primary on tint).
        parent: the widget it lies in.
    """

    def __init__(self, icon: str, tone: str = "neutral", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon, self._tone = icon, tone
        self.setFixedSize(36, 36)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws square and icon."""
        ground, ink = ("tint", "primary") if self._tone == "info" else ("sunken", "muted")
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color(ground))
        painter.drawRoundedRect(QRectF(self.rect()), 8, 8)
        painter.drawPixmap(8, 8, icons.pixmap(self._icon, 20, ink, self.devicePixelRatioF()))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  Qt's name
        """New colours are painted."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()


class EmptyState(Card):
    """A card with what will be here and when, and one button, in its middle.

    Args:
        icon: a name from `icons`.
        title: what will be here ("Results come after the last epoch").
        text: why it is not here yet.
        button: the way there.
        parent: the widget it lies in.
    """

    def __init__(
        self, icon: str, title: str, text: str = "", button: Button | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent=parent)
        # On a page that takes the whole height it stays as high as its words.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._heading, self._words = Label("", "card-title", wrap=True), Label("", "muted", wrap=True)
        self.body.setSpacing(4)
        self.body.addSpacing(_AIR)
        self.body.addWidget(IconTile(icon), 0, _CENTRE)
        self.body.addSpacing(8)
        for label in (self._heading, self._words):
            self._add(label)
        if button is not None:
            self.body.addSpacing(10)
            self.body.addWidget(button, 0, _CENTRE)
        self.body.addSpacing(_AIR)
        self.set(title, text)

    def _add(self, label: Label) -> None:
        label.setAlignment(_CENTRE)
        label.setMaximumWidth(_WORDS_WIDTH)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(label, 100)  # a wrapped label asks for too little by itself
        row.addStretch(1)
        self.body.addLayout(row)

    def set(self, title: str, text: str = "") -> None:
        """Other words."""
        self._heading.setText(title)
        self._words.setText(text)
        self._words.setVisible(bool(text))
        self.setAccessibleName(f"{title} {text}".strip())
