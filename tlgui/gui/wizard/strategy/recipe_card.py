"""The named recipes: one can be taken, changed after, and left again."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tlgui.core.parameters import PARAMETERS, parameter
from tlgui.core.presets import PRESETS
from tlgui.gui.numbers import counted
from tlgui.gui.widgets import Button, Card, Fold, Label
from tlgui.gui.wizard.choice_list import ChoiceList

_NONE = "None: the strategy's own settings"
_ABOUT = "A recipe sets many settings at once, as a textbook gives them. Each can be changed after."
_MOST = 4


class RecipeCard(Card):
    """The list of recipes, what the taken one does, where it leaves its source, and what was changed after.

    Attributes:
        picked: the name of a recipe; "" leaves it.
    """

    picked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Recipe", parent=parent)
        self.list = ChoiceList([("", _NONE), *((row.name, row.label) for row in PRESETS.values())], "Recipe")
        self.list.setMinimumContentsLength(26)
        self.list.picked.connect(self.picked)
        self._leave = Button("Leave the recipe", "link", small=True)
        self._leave.setToolTip("Back to the strategy's own settings; what you changed after stays.")
        self._leave.clicked.connect(lambda: self.picked.emit(""))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.list)
        row.addWidget(self._leave)
        row.addStretch(1)
        self._sentence = Label("", "caption", wrap=True)
        self._changes = Label("", "body", wrap=True)
        self.deviations = Fold("Where it leaves its source")
        self._deviations = Label("", "caption", wrap=True)
        self.deviations.body.addWidget(self._deviations)
        self.body.addLayout(row)
        for widget in (self._sentence, self._changes, self.deviations):
            self.body.addWidget(widget)

    def show_recipe(self, name: str, changes: Sequence[str], locked: bool) -> None:
        """Shows what holds.

        Args:
            name: of the recipe; "" for none.
            changes: the fields that say something else than it does.
            locked: it can be read and not changed.
        """
        row = PRESETS.get(name)
        self.list.set_value(name)
        self.list.setEnabled(not locked)
        self._leave.setVisible(row is not None and not locked)
        self._sentence.setText(f"{row.sentence} From: {row.source}." if row is not None else _ABOUT)
        self._changes.setText(changes_words(row.label, changes) if row is not None else "")
        self._changes.setVisible(bool(changes) and row is not None)
        self.deviations.setVisible(row is not None and bool(row.deviations))
        self._deviations.setText("\n".join(row.deviations) if row is not None else "")


def changes_words(label: str, changes: Sequence[str]) -> str:
    """'The tutorial's pipeline + 2 changes: epochs, patience.'; "" without a change."""
    if not changes:
        return ""
    known = {row.field for row in PARAMETERS}
    names = [parameter(field).label.lower() if field in known else field for field in changes]
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return f"{label} + {counted(len(changes), 'change')}: {', '.join(names[:_MOST])}{more}."
