"""Bars that show shares: how the images are split, and how large one part is."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from tlgui.gui.numbers import count
from tlgui.gui.theme import color
from tlgui.gui.widgets.painted import Painted, bar, painter_for

_GAP = 2.0


class SplitBar(Painted):
    """Training, validation and test images as one bar in the colours of the series."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(10)
        self.setMinimumWidth(60)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._parts: list[tuple[float, str]] = []

    def set(self, train: int, validation: int, test: int) -> None:
        """Shows these numbers of images."""
        self.set_parts([(train, "s1"), (validation, "s2"), (test, "s3")])
        self.setAccessibleName(
            f"{count(train)} images to train, {count(validation)} for validation, {count(test)} for the test"
        )

    def set_parts(self, parts: list[tuple[float, str]], name: str = "") -> None:
        """Any parts as (size, colour token); `name` says them for a screen reader."""
        self._parts = [(size, token) for size, token in parts if size > 0]
        self.setAccessibleName(name)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws the parts, each at least 3 px wide."""
        painter, height = painter_for(self), float(self.height())
        total = sum(size for size, _token in self._parts)
        if total <= 0:
            bar(painter, QRectF(0, 0, self.width(), height), color("sunken"))
            return
        room = self.width() - _GAP * (len(self._parts) - 1)
        widths = [max(3.0, room * size / total) for size, _token in self._parts]
        # What the smallest ones got too much comes off the largest.
        widths[widths.index(max(widths))] -= sum(widths) - room
        left = 0.0
        for width, (_size, token) in zip(widths, self._parts, strict=True):
            bar(painter, QRectF(left, 0, max(1.0, width), height), color(token), 2)
            left += width + _GAP


class ShareBar(Painted):
    """One share of a whole on a 5 px track.

    Args:
        share: 0 to 1.
        token: the colour of the filled part.
        width: fixed width in pixels; 0 takes the room there is.
        parent: the widget it lies in.
    """

    def __init__(
        self, share: float = 0.0, token: str = "muted", width: int = 40, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setFixedHeight(6)
        if width:
            self.setFixedWidth(width)
        else:
            self.setMinimumWidth(40)
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set(share, token)

    def set(self, share: float, token: str = "") -> None:
        """Shows another share."""
        self._share, self._token = min(1.0, max(0.0, share)), token or self._token_now()
        self.setAccessibleName(f"{self._share * 100:.0f} percent")
        self.update()

    def _token_now(self) -> str:
        return getattr(self, "_token", "muted")

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  Qt's name
        """Draws track and share; the smallest share still shows 2 px."""
        painter, height = painter_for(self), float(self.height())
        track = color("line2", 0.8)
        bar(painter, QRectF(0, 0.5, self.width(), height - 1), track, 2.5)
        if self._share > 0:
            bar(painter, QRectF(0, 0.5, max(2.0, self.width() * self._share), height - 1), color(self._token), 2.5)
