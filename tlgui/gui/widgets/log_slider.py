"""A slider over powers of ten, for numbers whose order of magnitude matters more than their difference."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QSizePolicy, QSlider, QWidget

_PER_DECADE = 40
_SETTLES_MS = 500


class LogSlider(QSlider):
    """From `lowest` to `highest`, both above 0, in steps of about 6 %.

    Args:
        lowest, highest: its ends.
        name: what the number is, for a screen reader.
        parent: the widget it lies in.

    Attributes:
        moved: the person moved it; the number, to two digits.
        settled: they let go of it, or pressed no key for half a second.
    """

    moved = Signal(float)
    settled = Signal(float)

    def __init__(self, lowest: float, highest: float, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._lowest, self._highest = lowest, highest
        self._decades = math.log10(highest / lowest)
        self.setRange(0, round(self._decades * _PER_DECADE))
        self.setSingleStep(2)
        self.setPageStep(_PER_DECADE // 2)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(80)
        self.setAccessibleName(name)
        self._settles = QTimer(self, singleShot=True, interval=_SETTLES_MS)
        self._settles.timeout.connect(lambda: self.settled.emit(self.number()))
        self.valueChanged.connect(self._on_value_changed)
        self.sliderReleased.connect(self._on_released)

    def number(self) -> float:
        """Where it stands."""
        exact = self._lowest * 10 ** (self._decades * self.value() / self.maximum())
        return min(self._highest, max(self._lowest, float(f"{exact:.2g}")))

    def set_number(self, number: float | None) -> None:
        """Moves it to the place nearest to a number; nothing is emitted. One beyond an end stands at that end.

        While it is held, it stays in the hand.
        """
        if number is None or number == self.number() or self.isSliderDown():
            return
        inside = min(self._highest, max(self._lowest, number))
        was = self.blockSignals(True)
        self.setValue(round(math.log10(inside / self._lowest) / self._decades * self.maximum()))
        self.blockSignals(was)
        self._say()

    def _on_value_changed(self, _: int) -> None:
        self._say()
        self.moved.emit(self.number())
        if not self.isSliderDown():
            self._settles.start()

    def _on_released(self) -> None:
        self._settles.stop()
        self.settled.emit(self.number())

    def _say(self) -> None:
        self.setAccessibleDescription(f"{self.number():g}")
