"""The shares of train, validation and test and the seed, for those who want to set them."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from tlgui.gui.draft import Draft
from tlgui.gui.widgets import Label, NumberField

_PARTS = ("Train, %", "Validation, %", "Test, %")
_LARGEST_SEED = 2**32 - 1


class SplitFields(QWidget):
    """Three shares in percent and the seed; the counts follow at once. A wrong sum is said and changes nothing."""

    def __init__(self, draft: Draft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._reason = ""
        self.shares = [NumberField(lowest=0, highest=100, name=name) for name in _PARTS]
        self.seed = NumberField(0, 0, _LARGEST_SEED, whole=True, name="Seed")
        self.problem = Label("", "caption", wrap=True)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        for row, (name, field) in enumerate(zip((*_PARTS, "Seed of the draw"), self._fields(), strict=True)):
            field.setFixedWidth(92)
            field.problem_changed.connect(self._on_problem)
            field.changed.connect(self._on_seed if field is self.seed else self._on_shares)
            grid.addWidget(Label(name, "caption", elide=True), row, 0)
            grid.addWidget(field, row, 1)
        self.seed.setToolTip("The same seed draws the same split, on every computer.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(grid)
        layout.addWidget(self.problem)
        self.problem.hide()

    def refresh(self, reason_against: str, fold_tests: bool = False) -> None:
        """Shows the draft's values, but never under the hands of the person who types.

        Args:
            reason_against: why they cannot be set, as a sentence; "" when they can.
            fold_tests: whether a fold tests, so that the share of the test says nothing.
        """
        self._reason = reason_against
        for field in self._fields():
            field.setEnabled(not reason_against)
        test = self.shares[-1]
        test.setEnabled(not reason_against and not fold_tests)
        test.setToolTip("A fold tests, so this share is not used." if fold_tests else "")
        if not any(field.hasFocus() for field in self._fields()):
            for field, share in zip(self.shares, self._draft.split_fractions, strict=True):
                field.set_value(round(share * 100, 6))
            self.seed.set_value(self._draft.training.seed)
        self._on_problem()

    def _fields(self) -> list[NumberField]:
        return [*self.shares, self.seed]

    def _on_shares(self) -> None:
        train, validation, test = (field.value() for field in self.shares)
        if train is None or validation is None or test is None:
            return
        self._say(self._draft.set_split(train / 100, validation / 100, test / 100))

    def _on_seed(self) -> None:
        value = self.seed.value()
        if value is not None:
            self._say(self._draft.set_training("seed", int(value)))

    def _on_problem(self, _text: str = "") -> None:
        self._say(next((field.problem for field in self._fields() if field.problem), "") or self._sum_problem())

    def _sum_problem(self) -> str:
        values = [field.value() for field in self.shares]
        total = sum(value for value in values if value is not None)
        return "" if None in values or abs(total - 100) < 1e-4 else "The three shares together must be 100 %."

    def _say(self, problem: str) -> None:
        text = (self._reason or problem).replace(" %", "\u00a0%")
        self.problem.setText(text)
        self.problem.set_tone("bad" if problem and not self._reason else "")
        self.problem.setVisible(bool(text))
