"""How the sites of the images are told, shown at work on them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QButtonGroup, QComboBox, QHBoxLayout, QLineEdit, QRadioButton, QVBoxLayout, QWidget

from tlgui.gui import numbers
from tlgui.gui.site_trial import SiteTrial, remedy_words
from tlgui.gui.widgets import Card, Label, plain_button_text, plain_tooltip, repolish
from tlgui.gui.wizard.images.name_example import NameExampleLabel

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

FOLDER, COLUMN, PATTERN = "folder", "column", "pattern"
_CHOICES = (
    (FOLDER, "The folder at the top", "One folder for each site, each with the same classes in it."),
    (COLUMN, "A column of the label table", "It says for each image which hospital, scanner or place it is from."),
    (PATTERN, "A part of the file name", r"The part in brackets is the site: ^(mono|poly) or _site(\d+)_."),
)
_TEXT = (
    "Each hospital, scanner or place is held out in turn: its images test, those of the others train. So one sees what "
    "to expect at a site that the network has never seen."
)
_NO_COLUMN = "These images have no label table with a column for it."
_PAUSE_MS = 250  # of typing, before the pattern is tried
_MOST_NAMED = 12
_MOST_EXAMPLES = 5
_INDENT = 22


class SitesCard(Card):
    """One choice always holds; without one of the person's, the first that fits.

    Args:
        bench: whose images are looked at.
        parent: the widget it lies in.
    """

    changed = Signal()

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("How the sites are told", parent=parent)
        self._bench = bench
        self._by_itself = True  # the person has chosen nothing yet
        self._data: Path | None = None  # for these images
        self.trial = SiteTrial(bench, self)
        self.trial.changed.connect(self._on_tried)
        self._buttons = QButtonGroup(self)
        self.combo, self.pattern = QComboBox(), QLineEdit()
        self.problem = Label("", "caption", wrap=True)
        self.headline, self.sites = Label("", "strong", wrap=True), Label("", "muted", wrap=True)
        self.examples = [NameExampleLabel() for _ in range(_MOST_EXAMPLES)]
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._on_chosen)
        self.body.addWidget(Label(_TEXT, "muted", wrap=True))
        row = QHBoxLayout()
        row.setSpacing(24)
        row.addLayout(self._make_choices(), 6)
        row.addLayout(self._make_found(), 5)
        self.body.addLayout(row)
        self._buttons.idToggled.connect(self._on_toggled)
        self._show()

    def _make_choices(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(0)
        self._fields: dict[str, QWidget] = {}
        for number, (key, title, text) in enumerate(_CHOICES):
            button = QRadioButton(plain_button_text(title))
            button.setAccessibleName(title)
            button.setAccessibleDescription(text)
            button.setToolTip(plain_tooltip(text))
            self._buttons.addButton(button, number)
            column.addWidget(button)
            fields = [Label(text, "caption", wrap=True)]
            column.addWidget(_indented(*fields))
            if key == COLUMN:
                self._fields[key] = _indented(self.combo)
            elif key == PATTERN:
                self._fields[key] = _indented(self.pattern, self.problem)
            if key in self._fields:
                column.addWidget(self._fields[key])
        column.addStretch(1)
        self.button(FOLDER).setChecked(True)
        self.combo.setAccessibleName("Column that tells the site")
        self.combo.setToolTip("Which column of the label table tells the site.")
        self.combo.setMinimumContentsLength(12)
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.combo.activated.connect(lambda _place: self._on_chosen())
        self.pattern.setAccessibleName("Pattern that finds the site in a file name, a regular expression")
        self.pattern.setToolTip("A regular expression; its part in brackets tells the site.")
        self.pattern.setPlaceholderText(r"^([a-z]+)_")
        self.pattern.textEdited.connect(lambda _text: self._pause.start())
        self.problem.set_tone("bad")
        return column

    def _make_found(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(6)
        column.addWidget(self.headline)
        for example in self.examples:
            column.addWidget(example)
        column.addWidget(self.sites)
        column.addStretch(1)
        return column

    @property
    def kind(self) -> str:
        """Which choice holds."""
        return _CHOICES[self._buttons.checkedId()][0]

    @property
    def by(self) -> str:
        """As in `Sites`; "" while the choice is not complete."""
        match self.kind:
            case "folder":
                return FOLDER
            case "column":
                name = self.combo.currentData()
                return f"column:{name}" if name else ""
            case _:
                return self.pattern.text().strip()

    @property
    def found(self) -> Mapping[str, int]:
        """Images of each site; empty while that is not known."""
        answer = self.trial.found
        return answer.sites if answer is not None and answer.by == self.by else {}

    def button(self, kind: str) -> QRadioButton:
        """The button of a choice."""
        found = self._buttons.button([key for key, _, _ in _CHOICES].index(kind))
        assert isinstance(found, QRadioButton)
        return found

    def look(self) -> None:
        """Asks about the images as they are now, where that was not done yet."""
        if self._bench.draft.data != self._data:
            self._data, self._by_itself = self._bench.draft.data, True
        by = "" if self._by_itself else self.by
        if by or self._by_itself:
            self.trial.look(by)
        self._show()

    def reason_against(self) -> str:
        """Why they cannot be held out so, as a sentence; "" when they can."""
        if not self.by:
            return "Choose a column." if self.kind == COLUMN else "Write a pattern first."
        answer = self.trial.found
        if answer is None or answer.by != self.by:
            return "The sites are being looked for."
        return answer.problem

    # -- what is chosen

    def _on_toggled(self, _number: int, checked: bool) -> None:
        if checked:
            self._on_chosen()

    def _on_chosen(self) -> None:
        self._pause.stop()
        self._by_itself = False
        self.look()
        self.changed.emit()

    def _on_tried(self) -> None:
        answer = self.trial.found
        self._show_columns()
        if answer is not None and self._by_itself:
            self._by_itself = False
            self._take(answer.by)
            self.trial.keep(self.by)
        self._show()
        self.changed.emit()

    def _take(self, by: str) -> None:
        """Shows as chosen what fits by itself."""
        kind = COLUMN if by.startswith("column:") else FOLDER
        self._buttons.blockSignals(True)
        self.button(kind).setChecked(True)
        self._buttons.blockSignals(False)
        if kind == COLUMN:
            self.combo.setCurrentIndex(self.combo.findData(by.removeprefix("column:")))

    # -- what is shown

    def _show_columns(self) -> None:
        columns = self.trial.columns
        if columns != [self.combo.itemData(place) for place in range(self.combo.count())]:
            chosen = self.combo.currentData()
            self.combo.clear()
            for name in columns:
                self.combo.addItem(name, name)
            self.combo.setCurrentIndex(self.combo.findData(chosen) if chosen else -1)

    def _show(self) -> None:
        for key, field in self._fields.items():
            field.setVisible(self.kind == key)
        none = not self.trial.columns and self.trial.found is not None
        button = self.button(COLUMN)
        button.setEnabled(bool(self.trial.columns) or self.kind == COLUMN)
        button.setToolTip(plain_tooltip(_NO_COLUMN if none else _CHOICES[1][2]))
        answer = self.trial.found if self.trial.found is not None and self.trial.found.by == self.by else None
        self._show_problem(answer.problem if answer is not None else "")
        examples = answer.examples if answer is not None else []
        for label, example in zip(self.examples, [*examples, *[None] * _MOST_EXAMPLES], strict=False):
            label.setVisible(example is not None)
            if example is not None:
                label.show_example(example)
        self._show_found()

    def _show_problem(self, problem: str) -> None:
        self.problem.setText(problem if self.kind == PATTERN else "")
        self.problem.setVisible(bool(self.problem.text()))
        self.pattern.setProperty("state", "bad" if self.problem.text() else "")
        repolish(self.pattern)

    def _show_found(self) -> None:
        answer = self.trial.found
        if self._bench.draft.summary is None or self._bench.scan_ticket is None:
            title, words = "Choose a folder of images first.", ""
        elif not self.by:
            title, words = self.reason_against(), ""
        elif answer is None or answer.by != self.by:
            title, words = "Looking for the sites…", ""
        elif answer.problem:
            # Of a pattern it stands beneath its field.
            title = "That does not tell the sites." if self.kind == PATTERN else answer.problem
            words = remedy_words(answer.code, answer.remedy)
        else:
            title, words = numbers.counted(len(answer.sites), "site"), _named(answer.sites)
        self.headline.setText(title)
        self.sites.setText(words)
        self.sites.setVisible(bool(words))


def _named(sites: Mapping[str, int]) -> str:
    shown = [f"{name}: {numbers.counted(n, 'image')}" for name, n in list(sites.items())[:_MOST_NAMED]]
    more = len(sites) - len(shown)
    return "\n".join([*shown, *([f"and {numbers.count(more)} more"] if more else [])])


def _indented(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(_INDENT, 0, 0, 6)
    column.setSpacing(4)
    for widget in widgets:
        column.addWidget(widget)
    return holder
