"""The question about left and right, asked once for a set of images; the answer is kept in their project."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QRadioButton, QWidget

from tlgui.core.augmentations import augmentation
from tlgui.core.intake import AnswerMirror
from tlgui.gui.widgets import Button, Card, Label
from tlgui.gui.wizard.augmentation.answer import answer_lines, answer_of, is_asked, variation
from tlgui.gui.wizard.augmentation.words import mirror_words

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_ANSWERS = (
    (True, "Yes, they matter", "Organs, hands, letters: a mirror image would be another thing. Nothing is mirrored."),
    (False, "No", "A mirror image could be just as real: cells, leaves, surfaces. Half of the views are mirrored."),
)
_CAREFUL = "radiograph"


class MirrorQuestion(Card):
    """Two answers; it shows itself only where left and right may matter, and locks itself when the run has begun.

    Args:
        bench: for the draft, and to keep the answer.
        parent: the widget it lies in.
    """

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("Do left and right matter in your pictures?", parent=parent)
        self._bench = bench
        self._pressed: bool | None = None
        self._waits = False
        self._problem = ""
        self.buttons: dict[bool, QRadioButton] = {}
        self._group = QButtonGroup(self)
        self.clear = Button("Take the answer back", kind="link", small=True)
        self.clear.setToolTip("Leaves the question open: the kind of picture then decides.")
        self.clear.clicked.connect(self._on_cleared)
        self.add_head(self.clear)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(0)
        for column, (matters, text, examples) in enumerate(_ANSWERS):
            grid.setColumnStretch(column, 1)
            self._add_answer(grid, column, matters, text, examples)
        self.body.addLayout(grid)
        self.state = Label("", "caption", wrap=True)
        self.body.addWidget(self.state)
        self.careful = Button("", kind="link", small=True)
        self.careful.align_edge("left")
        self.careful.clicked.connect(lambda: bench.draft.set_training("augmentation", _CAREFUL))
        self.body.addWidget(self.careful, 0, Qt.AlignmentFlag.AlignLeft)
        self._group.idClicked.connect(self._on_clicked)
        bench.draft.changed.connect(self.refresh)
        bench.run_changed.connect(self.refresh)
        bench.intake.changed.connect(self._on_intake_changed)
        self.refresh()

    @property
    def answer(self) -> bool | None:
        """What is picked: whether they matter."""
        return next((matters for matters, button in self.buttons.items() if button.isChecked()), None)

    def refresh(self) -> None:
        """Shows what the draft and the project say by now."""
        draft, locked = self._bench.draft, self._bench.read_only
        if not is_asked(draft) or (locked and draft.training.mirror is None):
            self.hide()
        elif self.parentWidget() is not None:  # else it would come up as a window of its own
            self.show()
        answer = self._shown(locked)
        self._group.setExclusive(False)  # an exclusive group cannot be left without a choice
        for matters, button in self.buttons.items():
            button.setChecked(matters is answer)
            button.setEnabled(not locked)
        self._group.setExclusive(True)
        self.clear.setVisible(answer is not None and not locked)
        self.state.setText(self._state_words(answer, locked))
        row, careful = augmentation(draft.training.augmentation), augmentation(_CAREFUL)
        medical = draft.summary is not None and draft.summary.dicom_images > 0
        self.careful.setText(f"These are DICOM images: vary them as '{careful.label}'")
        self.careful.setToolTip(careful.sentence)
        self.careful.setVisible(medical and not locked and row.name not in (_CAREFUL, "microscopy"))

    def _shown(self, locked: bool) -> bool | None:
        if locked:
            return _opposite(self._bench.draft.training.mirror)
        # An answer on its way is shown as it was pressed.
        return self._pressed if self._waits else answer_of(self._bench.draft)

    def _state_words(self, answer: bool | None, locked: bool) -> str:
        draft = self._bench.draft
        row = variation(draft)
        if locked:
            return "The run has begun with this answer."
        if self._problem:
            return f"The answer could not be kept. {self._problem}"
        if draft.training.mirror is not None and draft.training.mirror is not _opposite(answer):
            return f"Set for this run alone: {mirror_words(row.mirror)}."
        if answer is None:
            return f"Not answered: {mirror_words(row.mirror)}, as for every set of the kind '{row.label}'."
        return "Kept with these images, and not asked again."

    def _add_answer(self, grid: QGridLayout, column: int, matters: bool, text: str, examples: str) -> None:
        button = QRadioButton(text)
        button.setAccessibleName(f"{text}: {examples}")
        button.setToolTip(f"{examples} Arrow keys move between the answers.")
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        words = Label(examples, "caption", wrap=True)
        words.setContentsMargins(25, 0, 0, 4)
        grid.addWidget(button, 0, column)
        grid.addWidget(words, 1, column, Qt.AlignmentFlag.AlignTop)
        self._group.addButton(button, column)
        self.buttons[matters] = button

    def _on_clicked(self, column: int) -> None:
        matters = _ANSWERS[column][0]
        if matters is not answer_of(self._bench.draft):
            self._ask(matters, lambda: self._bench.intake.change(AnswerMirror(matters=matters)))
        else:
            self._bench.draft.set_training("mirror", None)

    def _on_cleared(self) -> None:
        numbers = [line.number for line in answer_lines(self._bench.draft)]
        self._ask(None, lambda: self._bench.intake.undo(numbers))

    def _ask(self, pressed: bool | None, send: Callable[[], None]) -> None:
        self._pressed, self._waits, self._problem = pressed, True, ""
        self._bench.draft.set_training("mirror", None)  # what was set for this run alone gives way to the answer
        send()
        self._on_intake_changed()

    def _on_intake_changed(self) -> None:
        intake = self._bench.intake
        if self._waits and not intake.busy:
            self._waits = False
            self._problem = intake.problem.problem if intake.problem is not None else ""
        self.refresh()


def _opposite(value: bool | None) -> bool | None:
    return None if value is None else not value
