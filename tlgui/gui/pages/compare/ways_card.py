"""Which ways of training are compared, for how long, and on which images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QWidget

from tlgui.core.comparison import DEFAULT_EPOCHS, Entrant
from tlgui.core.estimates import about_time
from tlgui.core.strategies import STRATEGIES
from tlgui.gui.compare_costs import folds_of, seconds_of_ways, takes
from tlgui.gui.networks import label_of
from tlgui.gui.widgets import Card, Label, NumberField, Segmented
from tlgui.gui.wizard.costs import short

if TYPE_CHECKING:
    from tlgui.gui.workbench import Workbench

# The first exercise of the textbook compares the head alone, the last two blocks and the whole network.
WAYS: tuple[tuple[Entrant, bool], ...] = (
    (Entrant(strategy="feature-extraction"), True),
    (Entrant(strategy="fine-tune-top", top_groups=1), False),
    (Entrant(strategy="fine-tune-top", top_groups=2), True),
    (Entrant(strategy="progressive-unfreezing"), False),
    (Entrant(strategy="full-fine-tuning"), True),
    (Entrant(strategy="from-scratch"), False),
)
_FOLDS = (("auto", "By itself"), ("0", "One split"), ("3", "3 folds"), ("5", "5 folds"))


class WaysCard(Card):
    """Ways with a tick each, the epochs and the folds.

    Args:
        bench: whose draft is compared.
    """

    changed = Signal()

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__("What is compared", parent=parent)
        self._bench = bench
        self.boxes: list[QCheckBox] = []
        self._times: list[Label] = []
        grid = QGridLayout()
        grid.setVerticalSpacing(6)
        grid.setHorizontalSpacing(12)
        grid.setColumnStretch(1, 1)
        for line, (entrant, ticked) in enumerate(WAYS):
            box = QCheckBox(entrant.label)
            box.setChecked(ticked)
            box.setToolTip(STRATEGIES[entrant.strategy].sentence)
            box.toggled.connect(self._on_changed)
            time = Label("", "caption")
            grid.addWidget(box, line, 0)
            grid.addWidget(time, line, 2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.boxes.append(box)
            self._times.append(time)
        self.body.addLayout(grid)
        self.epochs = NumberField(DEFAULT_EPOCHS, 1, 1000, whole=True, name="Epochs of each way")
        self.epochs.setFixedWidth(90)
        self.epochs.changed.connect(self._on_changed)
        self.epochs.problem_changed.connect(self._on_changed)
        self.folds = Segmented(_FOLDS, "How the images are parted")
        self.folds.set_value("auto")
        self.folds.picked.connect(self._on_changed)
        row = QHBoxLayout()
        row.addWidget(Label("Epochs of each way", "strong"))
        row.addWidget(self.epochs)
        row.addStretch(1)
        self.body.addLayout(row)
        self.body.addWidget(Label("Images", "strong"))
        self.body.addWidget(self.folds)
        self.why = Label("", "caption", wrap=True)
        self.body.addWidget(self.why)

    @property
    def entrants(self) -> list[Entrant]:
        """The ticked ways."""
        return [entrant for box, (entrant, _) in zip(self.boxes, WAYS, strict=True) if box.isChecked()]

    @property
    def chosen_folds(self) -> int | None:
        """`None` = as the images need."""
        value = self.folds.value
        return None if value == "auto" else int(value)

    @property
    def folds_in_use(self) -> int:
        """What that comes to for these images."""
        return folds_of(self._bench, self.chosen_folds)

    @property
    def has_parts(self) -> bool:
        """Whether the folder gives its own parts."""
        summary = self._bench.draft.summary
        return summary is not None and summary.gives_split

    def reason_against(self, ticked: bool = True) -> str:
        """Why that cannot be compared, as a sentence; "" when it can.

        Args:
            ticked: whether it is about the ticked ways.
        """
        draft = self._bench.draft
        if draft.only_scratch:
            return f"{label_of(draft.backbone)} has no pretrained weights: it can only be trained from scratch."
        if ticked and len(self.entrants) < 2:
            return "Tick at least two ways."
        if self.epochs.value() is None:
            return f"Epochs of each way: {self.epochs.problem[:1].lower()}{self.epochs.problem[1:]}"
        if self.has_parts and self.chosen_folds:
            return "The folders say what trains and what tests, so there are no folds. Choose one split."
        return ""

    def refresh(self) -> None:
        """Times and the sentence on folds."""
        for (entrant, _), label in zip(WAYS, self._times, strict=True):
            seconds = self._seconds([entrant])
            label.setText(short(about_time(seconds)) if seconds else "")
        self.why.setText(self._sentence())

    def total_words(self, entrants: Sequence[Entrant] = ()) -> str:
        """How long all of it takes here (default: the ticked ways); "" where no speed is known."""
        return takes(self._seconds(entrants or self.entrants))

    def _seconds(self, entrants: Sequence[Entrant]) -> float:
        epochs = self.epochs.value()
        return seconds_of_ways(self._bench, entrants, int(epochs), self.folds_in_use) if epochs is not None else 0.0

    def _sentence(self) -> str:
        folds = self.folds_in_use
        if folds:
            by_itself = (
                " Chosen by itself, since one split of so few images would tell little."
                if self.chosen_folds is None
                else ""
            )
            return (
                f"The images are parted into {folds} folds. Each way is trained {folds} times, and each image is scored by the "
                f"run that did not see it.{by_itself}"
            )
        return (
            "One split, the same for all. Validation images compare the ways; test images, where there are any, are scored "
            "at the end of each run and choose nothing."
        )

    def _on_changed(self, *_: object) -> None:
        self.refresh()
        self.changed.emit()
