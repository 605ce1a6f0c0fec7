"""The classes of a run that continues another one: kept, new, or without new images."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from tlgui.gui.continuing import ClassState
from tlgui.gui.numbers import count, counted
from tlgui.gui.widgets import Card, Cell, Column, Label, Table

_WORDS = {
    "kept": ("knows it", "muted", "The model knows this class, and learns more images of it."),
    "new": ("new", "good", "The model learns this class now."),
    "no images": (
        "knows it, no new images",
        "warn",
        "The model knows this class. There are no new images of it, so earlier ones are shown again, where they are there.",
    ),
}
_MOST_HEIGHT = 300


class ContinuedClasses(Card):
    """A row for each class, those that it knows first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Classes", flush=True, parent=parent)
        self.table = Table(
            (Column("Class", stretch=True, min=120), Column("New images", align="right"), Column("The model", min=170)),
            name="Classes of this run",
        )
        self.table.setMaximumHeight(_MOST_HEIGHT)
        self.body.addWidget(self.table)
        self.warning = Label("", "caption", wrap=True)
        self.warning.setContentsMargins(15, 0, 15, 10)
        self.body.addWidget(self.warning)
        self._shown: list[ClassState] = []

    def show_states(self, states: Sequence[ClassState]) -> None:
        """Shows the classes; hides itself where there are none, as where nothing is continued."""
        self.setVisible(bool(states))
        if list(states) == self._shown:
            return
        self._shown = list(states)
        new = sum(row.state == "new" for row in states)
        bare = sum(row.state == "no images" for row in states)
        self.set_caption(f"{counted(len(states) - new, 'class', 'classes')} kept, {count(new)} new")
        self.table.set_rows(
            [
                [
                    Cell(row.name, bold=row.state == "new"),
                    Cell(count(row.images) if row.images else "none", tone="" if row.images else "warn"),
                    Cell(_WORDS[row.state][0], tone=_WORDS[row.state][1], tooltip=_WORDS[row.state][2]),
                ]
                for row in states
            ]
        )
        self.warning.setText(
            f"Of {counted(bare, 'class', 'classes')} there are no new images: earlier ones are shown again, unless nothing is to "
            f"be held. Where these are gone, what it knows of {'it' if bare == 1 else 'them'} is easily forgotten."
            if bare
            else ""
        )
        self.warning.setVisible(bool(bare))
