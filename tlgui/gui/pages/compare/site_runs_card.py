"""How each run trains in which a site is held out, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QWidget

from tlgui.core.comparison import DEFAULT_EPOCHS, Entrant
from tlgui.core.strategies import STRATEGIES
from tlgui.gui.compare_costs import takes
from tlgui.gui.networks import label_of
from tlgui.gui.pages.compare.ways_card import WAYS
from tlgui.gui.widgets import Card, Label, NumberField
from tlgui.gui.wizard.costs import seconds_of

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

_NETWORK = "Network, size of the picture and augmentation are those that are set up."


class SiteRunsCard(Card):
    """A way and a number of epochs.

    Args:
        bench: whose draft is trained.
        parent: the widget it lies in.
    """

    changed = Signal()

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("How each run trains", parent=parent)
        self._bench = bench
        self.way = QComboBox()
        for entrant, _ in WAYS:
            self.way.addItem(entrant.label, entrant.key)
        self.way.setAccessibleName("How each run trains")
        self.way.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.way.activated.connect(self._on_changed)
        self.epochs = NumberField(DEFAULT_EPOCHS, 1, 1000, whole=True, name="Epochs of each run")
        self.epochs.setFixedWidth(90)
        self.epochs.changed.connect(self._on_changed)
        self.epochs.problem_changed.connect(self._on_changed)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(2, 1)
        grid.addWidget(Label("Way", "strong"), 0, 0)
        grid.addWidget(self.way, 0, 1)
        grid.addWidget(Label("Epochs", "strong"), 1, 0)
        grid.addWidget(self.epochs, 1, 1)
        self.body.addLayout(grid)
        self.body.addWidget(Label(_NETWORK, "caption", wrap=True))
        self._explain()

    @property
    def entrant(self) -> Entrant:
        """The way."""
        return WAYS[self.way.currentIndex()][0]

    def reason_against(self) -> str:
        """Why that cannot be trained, as a sentence; "" when it can."""
        draft = self._bench.draft
        if draft.only_scratch and STRATEGIES[self.entrant.strategy].pretrained:
            return f"{label_of(draft.backbone)} has no pretrained weights: it can only be trained from scratch."
        if self.epochs.value() is None:
            return f"Epochs of each run: {self.epochs.problem[:1].lower()}{self.epochs.problem[1:]}"
        return ""

    def total_words(self, runs: int) -> str:
        """How long so many runs take here; "" where no speed is known."""
        epochs = self.epochs.value()
        if epochs is None or not runs or self._bench.draft.summary is None:
            return ""
        seconds = seconds_of(self._bench, self._bench.sites.training_of(self.entrant, int(epochs)))
        return takes(seconds * runs) if seconds else ""

    def _explain(self) -> None:
        self.way.setToolTip(STRATEGIES[self.entrant.strategy].sentence)

    def _on_changed(self, *_: object) -> None:
        self._explain()
        self.changed.emit()
