"""The side card of the Strategy page that says how like everyday photographs the images look, on a scale with known kinds."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from tlgui.core.advice_events import SimilarityMeasured
from tlgui.core.similarity import LANDMARKS, MeasuredSimilarity, place_of
from tlgui.gui.widgets import Button, Card, Label, Scale

_TITLES = {
    "near": "Like everyday photographs",
    "middle": "Between photographs and another kind",
    "far": "Another kind of picture",
}
_MIXED, _NOT_YET, _CANNOT = "Of more than one kind", "Not measured yet", "Cannot be said"
_SHOWN = ("chest X-rays",)  # more words than these would touch
_MEANING = (
    "Measured on up to 200 training images: how far the network's inner statistics on them lie from those on photographs. "
    "It sees how pictures look, not what they are for. Your own answer goes before it."
)
WAITS = "It is measured when the images have been read."
LOOKING = "The network is looking at your images."


class SimilarityCard(Card):
    """The band in words, the scale with its range, and what it means.

    Attributes:
        again: the button that asks anew.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("What they look like", parent=parent)
        self._band = Label("", "strong", wrap=True)
        self.scale = Scale("Likeness to everyday photographs")
        self._words = Label("", "caption", wrap=True)
        self._meaning = Label(_MEANING, "caption", wrap=True)
        self.again = Button("Measure", small=True, kind="link")
        self.again.setToolTip("Lets the network look at some of your images. It takes some seconds.")
        for widget in (self._band, self.scale, self._words, self._meaning, self.again):
            self.body.addWidget(widget)
        self.show_state(None, False)

    def show_state(
        self, found: SimilarityMeasured | None, busy: bool, problem: str = "", can_ask: bool = False
    ) -> None:
        """Shows what is known.

        Args:
            found: as measured.
            busy: whether the network is looking now.
            problem: why the last look came to nothing, "" where it did not.
            can_ask: whether it can be asked now.
        """
        measured = found.measured if found is not None else None
        self.scale.setVisible(measured is not None and measured.band is not None)
        self.again.setVisible(found is None and can_ask and not busy)
        self._meaning.setVisible(measured is not None)
        if found is None:
            self._band.setText(_NOT_YET)
            self._words.setText(LOOKING if busy else problem or WAITS)
            return
        self._words.setText(found.sentence)
        if measured is None:
            self._band.setText(_CANNOT)
        elif measured.band is None:
            self._band.setText(_MIXED)
        else:
            self._band.setText(f"{_TITLES[measured.band]}{'' if measured.sure else ', unsure'}")
            self._show_scale(measured)

    def _show_scale(self, measured: MeasuredSimilarity) -> None:
        marks = [(place_of(mark.value), mark.label) for mark in LANDMARKS if mark.label in _SHOWN]
        self.scale.set(
            place_of(measured.value),
            ticks=[(0.0, "unlike"), *sorted(marks), (1.0, "photographs")],
            low=place_of(measured.low),
            high=place_of(measured.high),
            text=f"similarity {measured.value:.3f}",
        )
