"""What the network knows already: in which way it is kept from forgetting that, and how hard it holds on."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from tlgui.core.retention import WAYS
from tlgui.core.run_spec import Training
from tlgui.gui.continuing import Continuation, meter_words
from tlgui.gui.strength_field import StrengthField
from tlgui.gui.widgets import Card, Fold, Label
from tlgui.gui.wizard.choice_list import ChoiceList

NONE = "none"
_SHARE = 0.5  # where a person begins who takes the choice over
_FOLDED = "Keep what the published weights know"
_ABOUT_NONE = (
    "Nothing holds on to what it knows, and no earlier image is shown again: it learns the new images as well as it can, and may "
    "forget the rest."
)
_ABOUT_PUBLISHED = (
    "Rarely needed: it helps where the model must stay good at everyday pictures too. How much is left is shown by a stand-in: "
    "for how many of your validation images the published last layer answers as before. That is no accuracy."
)
_BY_ITSELF = "Chosen on validation images"
_BY_ITSELF_TIP = (
    "After training, the share with the best mean of old and new accuracy is taken; test images take no part."
)


class KeepCard(Card):
    """Open where a run is continued; folded where it begins with published weights.

    Attributes:
        way_picked: the name of a row of `WAYS`, or "none".
        strength_chosen: a number, or `None`: the program says it.
        problem_changed: the field holds something else than a strength, or one again.
    """

    way_picked = Signal(str)
    strength_chosen = Signal(object)
    problem_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("What it knows already", parent=parent)
        self._way = NONE
        self.fold = Fold(_FOLDED)
        self.body.addWidget(self.fold)
        self._about = Label("", "caption", wrap=True)
        self.way = ChoiceList(
            [*((row.name, row.label) for row in WAYS.values()), (NONE, "Not at all")], "How it is kept"
        )
        self.way.setMinimumContentsLength(26)
        self.way.picked.connect(self.way_picked)
        words = Label("How it is kept", "muted")
        words.setBuddy(self.way)
        self._way_row = _line(words, self.way, stretch=True)
        self._sentence = Label("", "caption", wrap=True)
        self.by_itself = QCheckBox(_BY_ITSELF)
        self.by_itself.setToolTip(_BY_ITSELF_TIP)
        self.by_itself.clicked.connect(self._on_by_itself)
        self.strength = StrengthField()
        self.strength.changed.connect(self.strength_chosen.emit)
        self.strength.problem_changed.connect(self._on_problem)
        self._strength_words = Label("Strength", "muted")
        self._strength_words.setBuddy(self.strength.number)
        self._strength_row = _line(self._strength_words, self.strength)
        self._about_strength = Label("", "caption", wrap=True)
        self._inside = (
            self._about, self._way_row, self._sentence, self.by_itself, self._strength_row, self._about_strength,
        )  # fmt: skip
        self._folded: bool | None = None
        self.hide()

    @property
    def problem(self) -> str:
        """Why the strength cannot be used, as a sentence; "" where it can, or where none is asked for."""
        asks = self._way != NONE and not self._strength_row.isHidden() and not self.isHidden()
        return f"Strength of keeping: {self.strength.problem}" if asks and self.strength.problem else ""

    def show_keeping(self, training: Training, before: Continuation | None, pretrained: bool, locked: bool) -> None:
        """Shows what holds; hides itself where nothing is known before.

        Args:
            training: as asked for.
            before: the run that is continued; `None` for none.
            pretrained: whether it begins with weights that know something.
            locked: it can be read and not changed.
        """
        way = WAYS.get(training.keep)
        self._way = training.keep
        self.setVisible(before is not None or way is not None or (pretrained and not locked))
        self._arrange(before is None)
        if before is None and way is not None and not self.fold.is_open:
            self.fold.set_open(True)
        self._about.setText(meter_words(before) if before is not None and not locked else _ABOUT_PUBLISHED)
        self._about.setVisible(before is None or not locked)
        self._about.set_tone("warn" if before is not None and before.earlier is None and not locked else "")
        self.way.set_value(training.keep)
        self.way.setEnabled(not locked)
        if way is None:
            self._sentence.setText(_ABOUT_NONE)
        else:
            self._sentence.setText(f"{way.sentence} ({way.source})")
        chooses = way is not None and way.strength is None
        asked = training.keep_strength
        self.by_itself.setVisible(chooses)
        self.by_itself.setChecked(asked is None)
        self.by_itself.setEnabled(not locked)
        shown = way is not None and (not chooses or asked is not None)
        self._strength_row.setVisible(shown)
        self._about_strength.setVisible(shown)
        if way is not None:
            self._strength_words.setText("Share" if chooses else "Strength")
            usual = way.strength if way.strength is not None else _SHARE
            self.strength.show_way(way.name, asked if asked is not None else usual, locked)
            self._show_about_strength()

    def _arrange(self, folded: bool) -> None:
        if folded == self._folded:
            return
        self._folded = folded
        self.fold.setVisible(folded)
        self.set_caption("" if folded else "what the run learned before")
        for widget in self._inside:
            (self.fold.body if folded else self.body).addWidget(widget)

    def _show_about_strength(self) -> None:
        way, problem = WAYS.get(self._way), self.strength.problem
        if way is None:
            return
        usual = f" {way.strength:g} is usual; 0 lets go." if way.strength is not None else ""
        self._about_strength.setText(problem or f"{way.strength_words[0].upper()}{way.strength_words[1:]}.{usual}")
        self._about_strength.set_tone("bad" if problem else "")

    def _on_by_itself(self, checked: bool) -> None:
        self.strength_chosen.emit(None if checked else _SHARE)

    def _on_problem(self) -> None:
        self._show_about_strength()
        self.problem_changed.emit()


def _line(*widgets: QWidget, stretch: bool = False) -> QWidget:
    line = QWidget()
    row = QHBoxLayout(line)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    for widget in widgets:
        row.addWidget(widget)
    if stretch:
        row.addStretch(1)
    return line
