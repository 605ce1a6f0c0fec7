"""A real file name with the part that tells the group on a tinted ground."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from tlgui.core.records import NameExample
from tlgui.gui.theme import color, font
from tlgui.gui.widgets import plain_tooltip
from tlgui.gui.widgets.painted import Painted

_HEIGHT = 22
_PAD = 2


class NameExampleLabel(Painted):
    """`name[start:end]` stands out; of a name that is too long the beginning or the end is cut, never that part."""

    def __init__(self, example: NameExample | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._example = example or NameExample(name="", start=0, end=0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_example(self._example)

    def show_example(self, example: NameExample) -> None:
        """Another name."""
        self._example = example
        part = example.name[example.start : example.end]
        self.setAccessibleName(f"{example.name}, kept together by '{part}'" if part else example.name)
        self.setToolTip(plain_tooltip(example.name))
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """The whole name."""
        return QSize(round(QFontMetricsF(font(12)).horizontalAdvance(self._example.name)) + 4 * _PAD + 4, _HEIGHT)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Long names are cut."""
        return QSize(60, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """The three pieces."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plain, strong = font(12), font(12, 600)
        before, part, after = self._pieces(QFontMetricsF(plain), QFontMetricsF(strong))
        left = 0.0
        for text, is_part in ((before, False), (part, True), (after, False)):
            if not text:
                continue
            painter.setFont(strong if is_part else plain)
            width = QFontMetricsF(painter.font()).horizontalAdvance(text)
            if is_part:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color("tint"))
                painter.drawRoundedRect(QRectF(left, 2, width + 2 * _PAD, self.height() - 4), 4, 4)
                left += _PAD
            painter.setPen(color("primary" if is_part else "muted"))
            painter.drawText(QRectF(left, 0, width + 2, self.height()), int(Qt.AlignmentFlag.AlignVCenter), text)
            left += width + (_PAD if is_part else 0)

    def _pieces(self, plain: QFontMetricsF, strong: QFontMetricsF) -> tuple[str, str, str]:
        one = self._example
        before, part, after = one.name[: one.start], one.name[one.start : one.end], one.name[one.end :]
        room = self.width() - strong.horizontalAdvance(part) - 2 * _PAD - 2
        over = plain.horizontalAdvance(before) + plain.horizontalAdvance(after) - room
        if over > 0:
            kept = max(20.0, plain.horizontalAdvance(before) - over)
            before = plain.elidedText(before, Qt.TextElideMode.ElideLeft, kept)
            rest = max(0.0, room - plain.horizontalAdvance(before))
            after = plain.elidedText(after, Qt.TextElideMode.ElideRight, rest)
        return before, part, after
