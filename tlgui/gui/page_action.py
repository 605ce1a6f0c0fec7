"""An action that leads to another page, and names that page's key in its tooltip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from tlgui.gui.places import keys_of
from tlgui.gui.widgets import Action

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench


def page_action(bench: Workbench, page: str, text: str, parent: QObject | None = None) -> Action:
    """Shows `page` when it is pressed; the key itself is the window's."""
    action = Action(text, lambda: bench.show(page), parent=parent)
    action.set_also(keys_of(f"go:{page}"))
    return action
