"""The side of the square that the network sees."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tlgui.core.backbones import Backbone
from tlgui.core.parameters import parameter
from tlgui.gui.widgets import Card, Label, NumberField

_WIDTH = 200


class SizeCard(Card):
    """A field that may be left empty, which sizes are allowed, and why one is refused.

    Attributes:
        edited: the size; `None` is the network's own.
    """

    edited = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        words = parameter("size")
        super().__init__(words.label, parent=parent)
        self.field = NumberField(
            None, words.lowest, words.highest, whole=True, may_be_empty=True, name=f"{words.label} in {words.unit}"
        )
        self.field.setFixedWidth(_WIDTH)
        self.field.changed.connect(self._on_changed)
        self.field.problem_changed.connect(self._show_problem)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.field)
        row.addWidget(Label(words.unit, "caption"))
        row.addStretch(1)
        self._help = Label(words.help, "caption", wrap=True)
        self._allowed = Label("", "caption", wrap=True)
        self._problem = Label("", "caption", wrap=True)
        self._problem.set_tone("bad")
        self._refused = ""
        for widget in (self._help, self._allowed):
            self.body.addWidget(widget)
        self.body.addLayout(row)
        self.body.addWidget(self._problem)
        self._show_problem()

    @property
    def problem(self) -> str:
        """What is wrong with what was typed; "" when nothing is."""
        return self.field.problem or self._refused

    def show_size(self, row: Backbone, size: int | None, locked: bool) -> None:
        """Shows what holds.

        Args:
            row: the network, at its own size.
            size: as set; `None` is the network's own.
            locked: it can be read and not changed.
        """
        trained = row.trained_size or row.size
        known = f" Its weights were trained with {trained}." if row.pretrained else ""
        self._allowed.setText(f"{row.sizes_sentence()}{known}")
        self.field.setPlaceholderText(f"{row.size}, as usual")
        self.field.setReadOnly(locked)
        if locked or (not self.problem and self.field.value() != size):
            self.field.set_value(size)
        self._show_problem()

    def refuse(self, why: str) -> None:
        """Says why the size that was typed is not taken; "" where it is."""
        self._refused = why
        self._show_problem()

    def clear(self) -> None:
        """Forgets what was typed: it was for another network."""
        self._refused = ""
        self.field.set_value(None)

    def _show_problem(self) -> None:
        self._problem.setText(self.problem)
        self._problem.setVisible(bool(self.problem))

    def _on_changed(self) -> None:
        value = self.field.value()
        self._refused = ""
        self.edited.emit(int(value) if value is not None else None)
