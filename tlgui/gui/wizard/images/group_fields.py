"""The ways to keep images together as a column of radio buttons, with the fields that some of them need."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QButtonGroup, QComboBox, QLineEdit, QRadioButton, QVBoxLayout, QWidget

from tlgui.gui.widgets import Label, plain_button_text, repolish
from tlgui.gui.wizard.images.group_choices import COLUMN, OWN, Choice, key_of

_PAUSE_MS = 250  # of typing, before the pattern is tried
_INDENT = 22
_NO_COLUMN = "The label table has no column beside those of files, labels and parts."
_EXPLAINED = (
    r"Write what stands before and after; the part in brackets is what images of one group share. \d+ is a number. "
    r"person(\d+) takes 12 out of 'person12_bacteria_3.jpg'."
)


class GroupFields(QWidget):
    """One choice always holds.

    Attributes:
        combo: the columns of the label table.
        pattern: what an expert writes.
    """

    changed = Signal()
    """Something else is chosen, or the field of the chosen one holds something else: read `key`."""

    def __init__(self, choices: Sequence[Choice], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons = QButtonGroup(self)
        self._names: list[str] = []
        self._texts: dict[str, Label] = {}
        self.combo = QComboBox()
        self.pattern = QLineEdit()
        self.explained = Label(_EXPLAINED, "caption", wrap=True)
        self.problem = Label("", "caption", wrap=True)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 8, 0)
        self._column.setSpacing(0)
        for choice in choices:
            self._add(choice)
        self._column.addStretch(1)
        self._buttons.button(0).setChecked(True)
        self._pause.timeout.connect(self.changed)
        self._buttons.idToggled.connect(self._on_toggled)
        self._show_fields()

    @property
    def name(self) -> str:
        """Which choice holds."""
        return self._names[self._buttons.checkedId()]

    @property
    def column(self) -> str:
        """The chosen column, or ""."""
        return str(self.combo.currentData() or "")

    @property
    def key(self) -> str:
        """The key of the choice; "" while it is not complete."""
        return key_of(self.name, self.column, self.pattern.text())

    def button(self, name: str) -> QRadioButton:
        """The button of a choice."""
        found = self._buttons.button(self._names.index(name))
        assert isinstance(found, QRadioButton)
        return found

    def choose(self, name: str) -> None:
        """Takes a choice without telling of it; one that is not offered is the own pattern."""
        self._buttons.blockSignals(True)
        self.button(name if name in self._names else OWN).setChecked(True)
        self._buttons.blockSignals(False)
        self._show_fields()

    def show_columns(self, columns: Sequence[str], chosen: str) -> None:
        """Other columns, of which one may be chosen; says nothing of it."""
        self.combo.clear()
        for name in columns:
            self.combo.addItem(name, name)
        self.combo.setCurrentIndex(self.combo.findData(chosen) if chosen else -1)

    def refuse_column(self) -> None:
        """The table has no column for it."""
        if COLUMN in self._names and self.name != COLUMN:
            button = self.button(COLUMN)
            button.setEnabled(False)
            button.setToolTip(_NO_COLUMN)
            button.setAccessibleDescription(_NO_COLUMN)
            self._texts[COLUMN].setText(_NO_COLUMN)

    def show_pattern(self, pattern: str) -> None:
        """Another pattern to begin with; says nothing of it."""
        self.pattern.blockSignals(True)
        self.pattern.setText(pattern)
        self.pattern.blockSignals(False)

    def show_problem(self, problem: str) -> None:
        """Why the pattern does not do, or ""."""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem) and self.name == OWN)
        self.pattern.setProperty("state", "bad" if problem else "")
        repolish(self.pattern)

    def _add(self, choice: Choice) -> None:
        button = QRadioButton(plain_button_text(choice.title))
        button.setAccessibleName(choice.title)
        button.setAccessibleDescription(choice.text)
        button.setToolTip("Arrow keys move between the choices.")
        self._buttons.addButton(button, len(self._names))
        self._names.append(choice.name)
        self._column.addWidget(button)
        text = Label(choice.text, "caption", wrap=True)
        self._texts[choice.name] = text
        self._column.addWidget(_indented(text))
        if choice.name == COLUMN:
            self._add_combo()
        elif choice.name == OWN:
            self._add_pattern()
        self._column.addSpacing(2)

    def _add_combo(self) -> None:
        self.combo.setAccessibleName("Column that keeps images together")
        self.combo.setToolTip("Which column of the label table tells what belongs together.")
        self.combo.setMinimumContentsLength(12)
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.combo.activated.connect(lambda _place: self.changed.emit())
        self._combo_row = _indented(self.combo)
        self._column.addWidget(self._combo_row)

    def _add_pattern(self) -> None:
        self.pattern.setAccessibleName("Pattern, a regular expression")
        self.pattern.setToolTip("A regular expression; its part in brackets tells the group.")
        self.pattern.setPlaceholderText(r"person(\d+)")
        self.pattern.textEdited.connect(lambda _text: self._pause.start())
        self.problem.set_tone("bad")
        self.problem.hide()
        self._pattern_row = _indented(self.pattern, self.problem, self.explained)
        self._column.addWidget(self._pattern_row)

    def _show_fields(self) -> None:
        self._pattern_row.setVisible(self.name == OWN)
        if COLUMN in self._names:
            self._combo_row.setVisible(self.name == COLUMN)

    def _on_toggled(self, _number: int, checked: bool) -> None:
        if checked:
            self._pause.stop()
            self._show_fields()
            self.changed.emit()


def _indented(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(_INDENT, 0, 0, 4)
    column.setSpacing(4)
    for widget in widgets:
        column.addWidget(widget)
    return holder
