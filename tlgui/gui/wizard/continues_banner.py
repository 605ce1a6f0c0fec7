"""Which run is continued, on each step of the wizard that this settles, with the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from tlgui.gui.numbers import counted
from tlgui.gui.widgets import Banner, Button

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_STAYS = "Its network, the size, crop and values of its pixels and the form of its head stay as they are."


class ContinuesBanner(Banner):
    """Hidden where nothing is continued.

    Args:
        bench: whose draft it reads.
        parent: the widget it lies in.
    """

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("info", "", parent=parent)
        self._bench = bench
        self.anew = Button("Train a new model instead", "link", small=True)
        self.anew.setToolTip("Begins with the published weights and a new head; the images stay.")
        self.anew.clicked.connect(bench.learn_anew)
        self.add_button(self.anew)
        bench.draft.changed.connect(self.refresh)
        bench.run_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Shows what holds now."""
        before = self._bench.draft.continues
        self.setVisible(before is not None)
        if before is None:
            return
        classes = counted(len(before.classes), "class", "classes")
        self.set("info", f"It continues “{before.name}” with its {classes}", _STAYS)
        self.anew.setVisible(not self._bench.read_only)
