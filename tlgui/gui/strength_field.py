"""How hard a network holds on to what it knew: a slider beside a number that can be typed."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QWidget

from tlgui.core.retention import WAYS
from tlgui.gui.widgets import LogSlider, NumberField

LEAST, MOST = 0.001, 1000.0  # of the slider; any other can be typed
_HIGHEST = 1e6
_STEPS = 100
_FIELD = 84
_LOG_TIP = "Moves by powers of ten: further right it holds on harder, further left it may change more."
_SHARE_TIP = "0: the trained weights alone; 1: those from before, as if nothing had been trained."


class StrengthField(QWidget):
    """A logarithmic slider for a penalty, a linear one for a share.

    Attributes:
        changed: the person chose another one.
        problem_changed: the field holds something else than a strength, or one again.
    """

    changed = Signal(float)
    problem_changed = Signal()

    def __init__(self, name: str = "Strength of keeping", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_share = False
        self.slider = LogSlider(LEAST, MOST, name)
        self.slider.setToolTip(_LOG_TIP)
        self.slider.moved.connect(self._on_moved)
        self.share = QSlider(Qt.Orientation.Horizontal)
        self.share.setRange(0, _STEPS)
        self.share.setPageStep(10)
        self.share.setMinimumWidth(80)
        self.share.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.share.setAccessibleName("Share of the earlier weights")
        self.share.setToolTip(_SHARE_TIP)
        self.share.valueChanged.connect(lambda value: self._on_moved(value / _STEPS))
        self.number = NumberField(1.0, 0.0, _HIGHEST, name=name)
        self.share_number = NumberField(0.5, 0.0, 1.0, name="Share of the earlier weights")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (self.slider, self.share, self.number, self.share_number):
            row.addWidget(widget, 0 if isinstance(widget, NumberField) else 1)
        for field in (self.number, self.share_number):
            field.setFixedWidth(_FIELD)
            field.changed.connect(self._on_typed)
            field.problem_changed.connect(lambda _: self.problem_changed.emit())
        self.show_way("ewc", 1.0, False)

    @property
    def problem(self) -> str:
        """What is wrong with the number, as a sentence; "" where nothing is."""
        return self._field.problem

    def value(self) -> float | None:
        """The number; `None` where the text is none."""
        return self._field.value()

    def show_way(self, way: str, value: float, locked: bool) -> None:
        """Shows what holds; nothing is emitted. What is being typed stays.

        Args:
            way: a row of `WAYS`.
            value: the strength, or the share.
            locked: it can be read and not changed.
        """
        self._is_share = way in WAYS and not WAYS[way].during
        self.slider.setVisible(not self._is_share)
        self.number.setVisible(not self._is_share)
        self.share.setVisible(self._is_share)
        self.share_number.setVisible(self._is_share)
        if locked or (not self._field.problem and self._field.value() != value):
            self._field.set_value(value)
        self._field.setReadOnly(locked)
        self.slider.setEnabled(not locked)
        self.share.setEnabled(not locked)
        self._move_to(value)

    @property
    def _field(self) -> NumberField:
        return self.share_number if self._is_share else self.number

    def _move_to(self, value: float) -> None:
        if not self._is_share:
            self.slider.set_number(value)
        elif not self.share.isSliderDown():
            was = self.share.blockSignals(True)
            self.share.setValue(round(value * _STEPS))
            self.share.blockSignals(was)

    def _on_moved(self, value: float) -> None:
        self._field.set_value(value)
        self.changed.emit(value)

    def _on_typed(self) -> None:
        if (value := self._field.value()) is not None:
            self._move_to(value)
            self.changed.emit(value)
