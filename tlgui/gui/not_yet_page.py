"""A step of the wizard that cannot be opened yet: what it waits for, and the way there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from tlgui.gui.draft import STEPS
from tlgui.gui.places import Place, place
from tlgui.gui.widgets import Action, Button, EmptyState, Page
from tlgui.gui.widgets.page import PRIMARY_KEYS

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench


class NotYetPage(Page):
    """Stands in for any step."""

    name = "not yet"

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("")
        self.setParent(parent)
        self._bench = bench
        self._action = Action("Go to Images", self._on_go, tooltip="Opens the step that comes first", parent=self)
        self._action.set_also(PRIMARY_KEYS)
        self._back_to = STEPS[0]
        self._state = EmptyState("lock", "", button=Button(action=self._action))
        self.body.addWidget(self._state)

    def primary_action(self) -> Action | None:
        """The button stands in the card, as on every page that has nothing to show yet."""
        return self._action

    def tell(self, waiting: Place, reason: str) -> None:
        """What waits, and for what."""
        self._back_to = next((step for step in STEPS if self._bench.draft.missing(step)), STEPS[0])
        self.set_title(waiting.label)
        self.set_sentence(f"{waiting.about}.")
        self._state.set(f"{waiting.label} opens after {place(self._back_to).label}", reason)
        self._action.set_text(f"Go to {place(self._back_to).label}")

    def _on_go(self) -> None:
        self._bench.show(self._back_to)
