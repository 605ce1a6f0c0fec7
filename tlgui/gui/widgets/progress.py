"""Work that takes its time: what it is, how far it got, how to call it off."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from tlgui.gui.theme import color
from tlgui.gui.widgets.button import Button
from tlgui.gui.widgets.text import Label


class ProgressBar(QWidget):
    """A 6 px bar: filled, grey while it stands still, or hatched while the end is not known. It does not move by itself."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(6)
        self.setMinimumWidth(40)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.share = 0.0
        self.busy = False
        self.still = ""

    def set(self, share: float, *, busy: bool = False, still: str = "") -> None:
        """Shows a share from 0 to 1.

        Args:
            share: how much is done.
            busy: at work with no known end.
            still: why nothing moves ("paused", "ended"); "" while it does.
        """
        self.share, self.busy, self.still = min(1.0, max(0.0, share)), busy, still
        self.setAccessibleName("at work" if busy else f"{self.share * 100:.0f} percent{f', {still}' if still else ''}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws track and bar."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        whole = QRectF(self.rect())
        painter.setBrush(color("sunken"))
        painter.drawRoundedRect(whole, 3, 3)
        if self.busy:
            painter.setBrush(color("primary", 0.25))
            painter.drawRoundedRect(whole, 3, 3)
            painter.setBrush(QBrush(color("primary", 0.7), Qt.BrushStyle.BDiagPattern))
            painter.drawRoundedRect(whole, 3, 3)
            return
        if self.share > 0:
            painter.setBrush(color("faint" if self.still else "primary"))
            painter.drawRoundedRect(QRectF(0, 0, max(6.0, whole.width() * self.share), 6), 3, 3)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  Qt's name
        """New colours are painted."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()


class ProgressRow(QWidget):
    """Title, what is done and what is left, the bar, and Cancel.

    Args:
        title: what is being done ("Reading 1,101 files").
        parent: the widget it lies in.
    """

    cancelled = Signal()

    def __init__(self, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self._title, self._text = Label(title, "strong", elide=True), Label("", "muted", elide=True)
        self._title.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._cancel = Button("Cancel", "link", small=True)
        self._cancel.align_edge("right")
        self._cancel.setToolTip("Stop this; nothing of yours is changed")
        self._cancel.clicked.connect(self.cancelled)
        self.bar = ProgressBar()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        row = QHBoxLayout()
        row.setSpacing(9)
        row.addWidget(self._title)
        row.addWidget(self._text, 1)
        row.addWidget(self._cancel)
        column.addLayout(row)
        column.addWidget(self.bar)
        self.set_cancellable(False)

    def set_title(self, title: str) -> None:
        """Another title."""
        self._title.setText(title)

    def set(self, done: int, total: int, text: str = "") -> None:
        """So many of so many, and the words for it ("412 done, about 6 s left")."""
        self.bar.set(done / total if total > 0 else 0.0, busy=total <= 0)
        self._say(text)

    def set_busy(self, text: str = "") -> None:
        """At work with no known end."""
        self.bar.set(0.0, busy=True)
        self._say(text)

    def set_paused(self, paused: bool) -> None:
        """Greys the bar; say "Paused" in the title as well."""
        self.bar.set(self.bar.share, still="paused" if paused else "")

    def set_cancellable(self, cancellable: bool) -> None:
        """Whether Cancel is offered."""
        self._cancel.setVisible(cancellable)

    def text(self) -> str:
        """Title and words as read."""
        return f"{self._title.text()} {self._text.text()}".strip()

    def _say(self, text: str) -> None:
        self._text.setText(text)
        self.setAccessibleName(self.text())
