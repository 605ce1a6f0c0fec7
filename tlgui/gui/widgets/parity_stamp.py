"""The stamp that says whether an exported file answers like this window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from tlgui.gui import icons
from tlgui.gui.theme import color
from tlgui.gui.widgets.painted import Painted, painter_for
from tlgui.gui.widgets.text import Label

ParityState = Literal["proved", "checking", "failed", "unchecked"]
# State: verdict, icon, ink, ground, edge (with its strength).
_LOOKS: dict[str, tuple[str, str, str, str, tuple[str, float]]] = {
    "proved": ("Answers like this window", "parity", "good", "good_bg", ("good", 0.45)),
    "checking": ("Being checked", "clock", "primary", "tint", ("primary", 0.45)),
    "failed": ("Not the same: export failed", "close", "bad", "bad_bg", ("bad", 0.45)),
    "unchecked": ("Not checked yet", "parity", "muted", "ground", ("line2", 1.0)),
}
_TONES = {"proved": "good", "checking": "info", "failed": "bad", "unchecked": "muted"}


class _Seal(Painted):
    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(28, 28)
        self.icon, self.ink = "parity", "muted"

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        painter_for(self).drawPixmap(0, 0, icons.pixmap(self.icon, 28, self.ink, self.devicePixelRatioF()))


class ParityStamp(QFrame):
    """Icon, verdict, and lines with the count, the largest difference and the time."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(92)
        self._seal, self._verdict = _Seal(), Label("", "strong", wrap=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 10, 14, 10)
        row.setSpacing(12)
        row.addWidget(self._seal)
        column = QVBoxLayout()
        column.setSpacing(1)
        column.addWidget(self._verdict)
        self._lines = QVBoxLayout()
        self._lines.setSpacing(1)
        column.addLayout(self._lines)
        column.addStretch(1)
        row.addLayout(column, 1)
        self._labels: list[Label] = []
        self.set_state("unchecked", [])

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """Two fit side by side in a column, whatever their lines say."""
        return QSize(260, super().sizeHint().height())

    @property
    def state(self) -> str:
        """What it says now."""
        return self._state

    def set_state(self, state: ParityState, lines: Sequence[str], verdict: str = "") -> None:
        """Says another state; the last line is muted. `verdict` replaces the state's own words."""
        self._state = state
        words, self._seal.icon, self._seal.ink = _LOOKS[state][:3]
        self._verdict.setText(verdict or words)
        self._verdict.set_tone(_TONES[state])
        self._seal.update()
        for label in self._labels:
            self._lines.removeWidget(label)
            label.hide()
            label.deleteLater()
        quiet = state == "unchecked"
        self._labels = [
            Label(line, "caption" if quiet or number == len(lines) - 1 > 0 else "small", wrap=True)
            for number, line in enumerate(lines)
        ]
        for label in self._labels:
            self._lines.addWidget(label)
        self.setAccessibleName(". ".join([self._verdict.text(), *lines]))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws ground and edge, dashed while nothing was checked."""
        _words, _icon, _ink, ground, (edge, alpha) = _LOOKS[self._state]
        painter = painter_for(self)
        pen = QPen(color(edge, alpha), 1.0)
        if self._state == "unchecked":
            pen.setDashPattern([4, 3])
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.setBrush(color(ground))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 7.5, 7.5)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  Qt's name
        """New colours are painted."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
