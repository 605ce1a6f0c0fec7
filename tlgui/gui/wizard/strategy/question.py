"""The one question of the Strategy page: what kind of pictures they are, answered by the person."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QRadioButton, QWidget

from tlgui.core.strategies import Similarity
from tlgui.gui.widgets import Button, Card, Label

_ANSWERS: tuple[tuple[Similarity, str, str], ...] = (
    ("similar", "Like everyday photographs", "Animals, plants, food, rooms, products: what a phone would take."),
    ("different", "Another kind of picture", "X-rays, microscopy, drawings, maps: what no phone takes."),
)
NOT_ANSWERED = "not answered: counted as like everyday photographs"

MEASURED: dict[Similarity, str] = {
    "similar": "not answered: what was measured counts, like everyday photographs or near them",
    "different": "not answered: what was measured counts, another kind of picture",
}
BY_ROW = "Answered with the row that you picked: it is for this kind."


class KindQuestion(Card):
    """Two answers with examples, and the words for no answer.

    Attributes:
        answered: emitted with "similar", "different", or `None` when the answer is taken back.
    """

    answered = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("What kind of pictures are they?", parent=parent)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._buttons: dict[Similarity, QRadioButton] = {}
        self._clear = Button("Take the answer back", kind="link", small=True)
        self._clear.setToolTip("Leaves the question open: the images then count as like everyday photographs.")
        self._clear.clicked.connect(self._on_cleared)
        self.add_head(self._clear)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(24)
        self._grid.setVerticalSpacing(0)
        for column, (key, text, examples) in enumerate(_ANSWERS):
            self._grid.setColumnStretch(column, 1)
            self._add_answer(column, key, text, examples)
        self.body.addLayout(self._grid)
        self._state = Label("", "caption", wrap=True)
        self.body.addWidget(self._state)
        self._group.idClicked.connect(self._on_clicked)
        self.set_answer(None)

    @property
    def answer(self) -> Similarity | None:
        """What is picked."""
        return next((key for key, button in self._buttons.items() if button.isChecked()), None)

    def set_answer(
        self, answer: Similarity | None, locked: bool = False, by_row: bool = False, measured: Similarity | None = None
    ) -> None:
        """Shows an answer without telling anybody.

        Args:
            answer: "similar", "different", or `None`.
            locked: it can be read and not changed.
            by_row: it was given with the row that was picked in the table.
            measured: what the network found, which counts as long as there is no answer.
        """
        self._group.setExclusive(False)  # an exclusive group cannot be left without a choice
        for key, button in self._buttons.items():
            button.setChecked(key == answer)
            button.setEnabled(not locked)
        self._group.setExclusive(True)
        self._clear.setVisible(answer is not None and not locked)
        self._state.setVisible(answer is None or by_row)
        counts = NOT_ANSWERED if measured is None else MEASURED[measured]
        self._state.setText(counts.capitalize() + "." if answer is None else BY_ROW)

    def _add_answer(self, column: int, key: Similarity, text: str, examples: str) -> None:
        button = QRadioButton(text)
        button.setAccessibleName(f"{text}: {examples}")
        button.setToolTip(f"{examples} Arrow keys move between the answers.")
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        words = Label(examples, "caption", wrap=True)
        words.setContentsMargins(25, 0, 0, 4)
        self._grid.addWidget(button, 0, column)
        self._grid.addWidget(words, 1, column, Qt.AlignmentFlag.AlignTop)
        self._group.addButton(button, column)
        self._buttons[key] = button

    def _on_clicked(self, column: int) -> None:
        self.answered.emit(_ANSWERS[column][0])

    def _on_cleared(self) -> None:
        self.answered.emit(None)
