"""Where the layers begin, asked where every layer learns: at the pretrained weights, or at random."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from tlgui.core.strategies import STRATEGIES
from tlgui.gui.draft import SCRATCH
from tlgui.gui.widgets import Card, Label, Segmented
from tlgui.gui.wizard.strategy.table_rows import FULL


class StartChoice(Card):
    """The two strategies of the table's last row side by side.

    Attributes:
        picked: the name of the strategy.
    """

    picked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Where the layers begin", parent=parent)
        self.field = Segmented(
            [(FULL, "Pretrained weights"), (SCRATCH, "At random (from scratch)")], "Where the layers begin"
        )
        self.field.picked.connect(self.picked)
        self._words = Label("", "caption", wrap=True)
        row = QHBoxLayout()
        row.addWidget(self.field)
        row.addStretch(1)
        self.body.addLayout(row)
        self.body.addWidget(self._words)

    def show_choice(self, name: str, only_scratch: bool, locked: bool) -> None:
        """Shows what holds; hides itself where not every layer learns.

        Args:
            name: of the strategy.
            only_scratch: the network has no pretrained weights.
            locked: it can be read and not changed.
        """
        self.setVisible(name in (FULL, SCRATCH))
        if name in (FULL, SCRATCH):
            self.field.set_value(name)
            self.field.setEnabled(not locked)
            self.field.button(FULL).setEnabled(not only_scratch)
            self._words.setText(f"{STRATEGIES[name].sentence} {STRATEGIES[name].reason}")
