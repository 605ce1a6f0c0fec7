"""The choices of a pixel rule: how values are mapped, which frame, colour or grey, how much of the border."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from tlgui.core.records import PixelRule
from tlgui.gui.widgets import Chip, Label, NumberField
from tlgui.gui.wizard.images.rule_words import FRAMES, rule_caption, rule_title

_INDENT = 24  # under the words of a radio button
_MOST_BORDER = 40
_ORDER = "The value that becomes white must be larger than the one that becomes black."


class RuleFields(QWidget):
    """What a person chooses.

    Args:
        rules: what may be chosen, the one in use first.
        reason: why that one is in use.
        maps: whether there are values to map; else only frame, colour and border are asked.
        parent: as always.

    Attributes:
        radios: one for each of `rules`, then the one for an own range.
        low, high: the own range.
        frame, grey, border: the other choices.
    """

    changed = Signal()
    """Something else was chosen: read `rule` and `problem`."""

    def __init__(self, rules: Sequence[PixelRule], reason: str, maps: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rules = list(rules)
        in_use = self._rules[0]
        self._group = QButtonGroup(self)
        self.radios = [QRadioButton(rule_title(rule)) for rule in self._rules] + [
            QRadioButton("Your own range for all")
        ]
        ranged = next((rule for rule in self._rules if rule.method == "range"), PixelRule(low=0, high=255))
        self.low = NumberField(ranged.low, name="Value that becomes black")
        self.high = NumberField(ranged.high, name="Value that becomes white")
        self.frame = QComboBox()
        self.grey = QCheckBox("Take the colour out of every image")
        self.border = NumberField(round(100 * in_use.border, 4), 0, _MOST_BORDER, name="Percent cut off on each side")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 8, 0)
        self._column.setSpacing(2)
        self._add_mapping(reason, maps)
        self._add_others(in_use)
        self._column.addStretch(1)
        self.radios[0].setChecked(True)
        self._group.idToggled.connect(lambda _number, checked: self.changed.emit() if checked else None)

    @property
    def rule(self) -> PixelRule | None:
        """What is chosen; `None` while a number is missing or wrong."""
        mapping, border = self._mapping(), self._border()
        if mapping is None or border is None:
            return None
        colour = "grey" if self.grey.isChecked() else "as stored"
        return msgspec.structs.replace(mapping, frame=self.frame.currentData(), colour=colour, border=border)

    @property
    def problem(self) -> str:
        """Why there is no rule, as a sentence, or ""."""
        if self.border.problem:
            return self.border.problem
        if not self._is_own:
            return ""
        order = _ORDER if self._own() is None else ""
        return self.low.problem or self.high.problem or order

    @property
    def _is_own(self) -> bool:
        return self._group.checkedId() == len(self._rules)

    def _mapping(self) -> PixelRule | None:
        return self._own() if self._is_own else self._rules[self._group.checkedId()]

    def _border(self) -> float | None:
        percent, in_use = self.border.value(), self._rules[0].border
        if percent is None:
            return None
        # Where nobody touched it, to its last digit.
        return in_use if abs(percent / 100 - in_use) < 1e-6 else round(percent / 100, 6)

    def _own(self) -> PixelRule | None:
        low, high = self.low.value(), self.high.value()
        if low is None or high is None or low >= high:
            return None
        return msgspec.structs.replace(self._rules[0], method="range", low=low, high=high)

    def _add_mapping(self, reason: str, maps: bool) -> None:
        for number, radio in enumerate(self.radios):
            self._group.addButton(radio, number)
        if not maps:
            return
        self._column.addWidget(Label("How values are mapped", "strong"))
        for number, rule in enumerate(self._rules):
            words = f"{rule_caption(rule)} {'' if number else reason}".strip()
            self._add_radio(self.radios[number], words, in_use=not number)
        self._add_radio(self.radios[-1], "", in_use=False)
        row = QHBoxLayout()
        row.setContentsMargins(_INDENT, 0, 0, 0)
        row.setSpacing(8)
        for word, field in (("Black at", self.low), ("white at", self.high)):
            field.setFixedWidth(116)
            field.changed.connect(self._on_typed)
            field.problem_changed.connect(self._on_typed)
            row.addWidget(Label(word, "small"))
            row.addWidget(field)
        row.addStretch(1)
        self._column.addLayout(row)

    def _add_radio(self, radio: QRadioButton, words: str, in_use: bool) -> None:
        radio.setAccessibleDescription(words)
        radio.setToolTip(words)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(radio)
        if in_use:
            row.addWidget(Chip("in use"))
        row.addStretch(1)
        self._column.addLayout(row)
        if words:
            caption = Label(words, "caption", wrap=True)
            caption.setContentsMargins(_INDENT, 0, 0, 4)
            self._column.addWidget(caption)

    def _add_others(self, in_use: PixelRule) -> None:
        for key, words in FRAMES:
            self.frame.addItem(words, key)
        self.frame.setCurrentIndex(self.frame.findData(in_use.frame))
        self.frame.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.frame.setMinimumContentsLength(18)
        self.frame.setAccessibleName("Which frame or page of files with several")
        self.frame.setToolTip("Films, stacks and documents of several pages give one image each.")
        self.frame.currentIndexChanged.connect(lambda _place: self.changed.emit())
        self.grey.setChecked(in_use.colour == "grey")
        self.grey.setToolTip("So that a stain or a tint cannot give the class away.")
        self.grey.toggled.connect(lambda _on: self.changed.emit())
        self.border.setFixedWidth(72)
        self.border.changed.connect(self.changed)
        self.border.problem_changed.connect(lambda _problem: self.changed.emit())
        grid = QGridLayout()
        grid.setContentsMargins(0, 10, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(2, 1)
        grid.addWidget(Label("For all images", "strong"), 0, 0, 1, 3)
        grid.addWidget(Label("Of several frames or pages", "small"), 1, 0)
        grid.addWidget(self.frame, 1, 1, 1, 2)
        grid.addWidget(Label("Cut off on each side", "small"), 2, 0)
        grid.addWidget(self.border, 2, 1)
        grid.addWidget(Label("% of width and height", "small"), 2, 2)
        grid.addWidget(self.grey, 3, 0, 1, 3)
        self._column.addLayout(grid)

    def _on_typed(self, _what: object = None) -> None:
        self.radios[-1].setChecked(True)
        self.changed.emit()
